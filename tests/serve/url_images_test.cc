// Pictures that a request only names by their address: who is asked for them, and who never is. The fetching
// itself is apps/net/fetch_test.cc's.
#include <gtest/gtest.h>

#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

/// "400 url_not_allowed image_url", for a caption of what is at `url`.
std::string refusal(const Serving& serving, const std::string& url, std::string* message = nullptr) {
  const Answer answer = serving.client().ask(post("/v1/caption", json{{"image_url", url}}.dump()));
  const json error = json::parse(answer.body)["error"];
  if (message != nullptr) *message = error["message"];
  return std::to_string(answer.status) + " " + error["code"].get<std::string>() + " " +
         error["param"].get<std::string>();
}

TEST(UrlImages, AreRefusedUnlessTheyAreAllowed) {
  Serving serving;
  std::string message;
  EXPECT_EQ(refusal(serving, "https://example.org/cat.jpg", &message), "400 url_images_disabled image_url");
  EXPECT_NE(message.find("--allow-url-images"), std::string::npos) << message;
}

TEST(UrlImages, NeverComeFromTheServersOwnNetworks) {
  Serving serving({"--allow-url-images", "--allow-http-images"});
  const std::string port = std::to_string(serving.port);
  std::string message;
  for (const std::string& place :
       {"http://127.0.0.1:" + port + "/health", "http://localhost:" + port + "/health",
        "http://[::1]:" + port + "/health", "http://[::ffff:127.0.0.1]:" + port + "/",
        "http://0x7f.1:" + port + "/", std::string("http://169.254.169.254/latest/meta-data/"),
        std::string("https://10.0.0.1/"), std::string("https://192.168.1.1/")}) {
    EXPECT_EQ(refusal(serving, place, &message), "400 url_not_allowed image_url") << place;
    EXPECT_EQ(message, "image_url: this host has no address in the internet") << place;
  }
  EXPECT_EQ(serving.client().ask(query(1, false)).status, 200)
      << "pictures themselves are as welcome as before";
}

TEST(UrlImages, ComeOverHttpsAndFromListedHostsAlone) {
  Serving serving({"--allow-url-images", "--url-allow", "*.example.org"});
  for (const char* place :
       {"http://www.example.org/", "https://example.com/", "https://www.example.org.evil.example/",
        "https://www.example.org@evil.example/", "https://"})
    EXPECT_EQ(refusal(serving, place), "400 url_not_allowed image_url") << place;
}

}  // namespace
}  // namespace moonbeam::test

// Requests as many clients send them: pictures that are known and new, all tasks and dialects, and now and
// then one that is broken.
#pragma once

#include <span>

#include <moonbeam/image.h>

#include "tests/serve/serving.h"

namespace moonbeam::test {

/// What a stream of events said.
struct Events {
  std::string text;
  json last;  ///< the event that completes it
};
inline Events read_events(const std::string& body) {
  Events out;
  for (std::size_t at = 0; (at = body.find("data: {", at)) != std::string::npos;) {
    const std::size_t end = body.find("\n\n", at);
    out.last = json::parse(body.substr(at + 6, end - at - 6));
    out.text += out.last.value("chunk", "");
    at = end;
  }
  return out;
}

/// A picture as a file upload.
inline std::string upload(const std::string& target, const std::string& bytes) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
         std::to_string(bytes.size()) + "\r\n\r\n" + bytes;
}

inline std::string as_ppm(const Image& image) {
  return "P6 " + std::to_string(image.width) + " " + std::to_string(image.height) + " 255\n" +
         std::string(image.pixels.begin(), image.pixels.end());
}

/// The sample picture `n`, 1 to 8, with `mark` in its first pixels: nobody but who gives the same mark has
/// seen it before.
inline std::string marked_picture(int n, int mark) {
  const std::string file = read_all(kModel + "/samples/s" + std::to_string(n) + ".png");
  Image image = decode_image(std::as_bytes(std::span(file)));
  for (std::size_t i = 0; i < 3; ++i) image.pixels[i] = static_cast<std::uint8_t>(mark >> 8 * i);
  return as_ppm(image);
}

/// A small one of noise.
inline std::string noise_picture(std::uint32_t seed) {
  Image image{.height = 24, .width = 32, .pixels = std::vector<std::uint8_t>(24 * 32 * 3)};
  for (std::uint8_t& value : image.pixels) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<std::uint8_t>(seed >> 24);
  }
  return as_ppm(image);
}

/// One request and what may become of it.
struct Mixed {
  std::string request;
  std::vector<int> statuses;  ///< one of them answers it
  bool leaves = false;        ///< whoever asks goes away without the answer
};

inline Mixed broken(int number) {
  const std::string whole = query(number % 8 + 1, false);
  switch (number % 10) {
    case 0:
      return {post("/v1/query", "{\"question\": "), {400}};
    case 1:
      return {post("/v1/caption", R"({"image_url": "data:image/png;base64,aGVsbG8="})"), {400}};
    case 2:  // a picture that breaks off
      return {post("/v1/caption", json{{"image_url", picture(number % 8 + 1).substr(0, 3000)}}.dump()),
              {400}};
    case 3:
      return {get("/v1/nothing" + std::to_string(number)), {404}};
    case 4:
      return {whole.substr(0, whole.size() / 2), {}, true};
    case 5:
      return {get("/health", "X-Long: " + std::string(20'000, 'x') + "\r\n"), {431}};
    case 6:
      return {query(number % 8 + 1, true), {}, true};
    case 7:
      return {post("/v1/query", std::string(100, '[') + std::string(100, ']')), {400}};
    case 8:
      return {"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", {400}};
    default:
      return {upload("/v1/detect?object=dog", std::string(5000, 'p')), {400}};
  }
}

/// The request `number`. One in a hundred is broken; the same number is the same request.
inline Mixed mixed(int number) {
  if (number % 100 == 99) return broken(number / 100);
  const int sample = number % 8 + 1;
  const json told = {{"temperature", 0.5}, {"seed", number}, {"max_tokens", 24}};
  switch (number % 20) {
    case 0:
      return {get("/metrics"), {200}};
    case 1:
      return {get("/v1/stats"), {200}};
    case 2:
      return {post("/v1/count_tokens", R"({"text": "How many dogs are there?"})"), {200}};
    case 3:
      return {get("/ready"), {200, 503}};
    case 4:
    case 5:
      return {
          upload("/v1/caption?stream=true&max_tokens=24", noise_picture(static_cast<std::uint32_t>(number))),
          {200}};
    case 6:
    case 7:
      return {upload("/v1/point?object=dog&max_objects=5", noise_picture(static_cast<std::uint32_t>(number))),
              {200}};
    case 8: {
      const json user = {{{"type", "image_url"}, {"image_url", {{"url", picture(sample)}}}},
                         {{"type", "text"}, {"text", "What is on the left?"}}};
      return {post("/v1/chat/completions",
                   json{{"messages", {{{"role", "user"}, {"content", user}}}}, {"max_tokens", 24}}.dump()),
              {200}};
    }
    case 9:
      return {post("/api/generate", json{{"prompt", "What is it?"},
                                         {"images", {picture(sample).substr(22)}},
                                         {"options", {{"num_predict", 24}}}}
                                        .dump()),
              {200}};
    case 10:
    case 11:
      return {post("/v1/detect", json{{"image_url", picture(sample)}, {"object", "apple"}}.dump()), {200}};
    case 12:
    case 13:
      return {post("/v1/caption",
                   json{{"image_url", picture(sample)}, {"length", "short"}, {"settings", told}}.dump()),
              {200}};
    default:
      return {post("/v1/query", json{{"image_url", picture(sample)},
                                     {"question", "Is there a dog?"},
                                     {"stream", number % 2 == 0},
                                     {"settings", told}}
                                    .dump()),
              {200}};
  }
}

/// Asks for it on `client`, or on a new connection where that one has been closed.
inline void ask_mixed(const Serving& serving, int number, TestClient& client) {
  const Mixed one = mixed(number);
  if (one.leaves) {
    client.say(one.request);
    client = serving.client();
    return;
  }
  const Answer answer = client.ask(one.request, 60000);
  EXPECT_TRUE(std::find(one.statuses.begin(), one.statuses.end(), answer.status) != one.statuses.end())
      << "request " << number << ": " << answer.status << " " << answer.body.substr(0, 300);
  const auto connection = answer.headers.find("connection");
  if (answer.status == 0 || (connection != answer.headers.end() && connection->second == "close"))
    client = serving.client();
}

}  // namespace moonbeam::test

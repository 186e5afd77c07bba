#include "server/api/form.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "server/api/text.h"
#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

std::string refused(const std::function<void()>& work) {
  try {
    work();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status, 400);
    return refusal.what();
  }
  return "";
}

TEST(Form, UndoesPercentAndPlus) {
  const FormFields fields = read_form("question=What%20is+it%3F&a&&b=&caf%C3%A9=1=2");
  const FormFields expected = {{"question", "What is it?"}, {"a", ""}, {"b", ""}, {"café", "1=2"}};
  EXPECT_EQ(fields, expected);
  EXPECT_TRUE(read_form("").empty());
}

TEST(Form, RefusesBrokenEscapesAndTooManyFields) {
  for (const char* text : {"a=%", "a=%4", "a=%zz", "%g0=1"})
    EXPECT_NE(refused([&] { read_form(text); }), "") << text;
  EXPECT_EQ(refused([] { read_form("a=%ff"); }), "form or query string: expected UTF-8");
  std::string many;
  for (int i = 0; i < 201; ++i) many += "a=1&";
  EXPECT_NE(refused([&] { read_form(many); }), "");
}

TEST(Multipart, ReadsFieldsAndFiles) {
  const std::string body =
      "preamble\r\n--b7\r\nContent-Disposition: form-data; name=\"question\"\r\n\r\nWhat\r\n--x?\r\n"
      "--b7 \r\ncontent-disposition: form-data; name=\"image\"; filename=\"a;b.png\"\r\nContent-Type: "
      "image/PNG\r\n\r\n"
      "\x89PNG\r\n\r\n--b\r\n--b7\r\nContent-Disposition: form-data; "
      "name=empty\r\n\r\n\r\n--b7--\r\nepilogue";
  const auto parts = read_multipart(body, "b7");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "question");
  EXPECT_EQ(parts[0].content, "What\r\n--x?");
  EXPECT_FALSE(parts[0].file);
  EXPECT_EQ(parts[1].name, "image");
  EXPECT_EQ(parts[1].content_type, "image/png");
  EXPECT_EQ(parts[1].content, "\x89PNG\r\n\r\n--b");
  EXPECT_TRUE(parts[1].file);
  EXPECT_EQ(parts[2].name, "empty");
  EXPECT_EQ(parts[2].content, "");
}

TEST(Multipart, RefusesWhatIsCutOff) {
  const std::string whole =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; "
      "name=\"image\"; filename=\"f\"\r\n\r\nyyy\r\n--b--";
  EXPECT_EQ(read_multipart(whole, "b").size(), 2u);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refused([&] { read_multipart(whole.substr(0, size), "b"); }), "") << size;
  EXPECT_NE(refused([&] { read_multipart(whole, ""); }), "");
  EXPECT_NE(refused([&] { read_multipart(whole, std::string(71, 'b')); }), "");
  std::string many;
  for (int i = 0; i < 101; ++i) many += "--b\r\n\r\n\r\n";
  EXPECT_NE(refused([&] { read_multipart(many + "--b--", "b"); }), "");
}

// No crash, no endless loop, nothing outside of the body; the sanitizer presets run it too.
TEST(Multipart, TakesAnythingForABody) {
  const std::string alphabet = "-b\r\n:;=\" %&+a";
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string body = "--b\r\n";
    for (auto j = random() % 60; j > 0; --j) body += alphabet[random() % alphabet.size()];
    refused([&] {
      for (const FormPart& part : read_multipart(body, "b")) {
        EXPECT_GE(part.content.data(), body.data());
        EXPECT_LE(part.content.data() + part.content.size(), body.data() + body.size());
      }
    });
    refused([&] { read_form(body); });
    header_parameter(body, "b");
  }
}

TEST(HeaderParameter, IsFoundQuotedOrNot) {
  EXPECT_EQ(header_parameter("multipart/form-data; boundary=abc", "boundary"), "abc");
  EXPECT_EQ(header_parameter("multipart/form-data; x=1;Boundary=\"a b;c\" ; y", "boundary"), "a b;c");
  EXPECT_EQ(header_parameter(R"(form-data; name="a\"b"; filename="C:\x.png")", "name"), "a\"b");
  EXPECT_EQ(header_parameter(R"(form-data; name="a\"b"; filename="C:\x.png")", "filename"), "C:\\x.png");
  EXPECT_EQ(header_parameter("form-data; name", "name"), "");
  EXPECT_EQ(header_parameter("form-data", "name"), "");
}

}  // namespace
}  // namespace moonbeam::server

#include "server/api/fields.h"

#include <gtest/gtest.h>

#include "server/api/testing.h"
#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

using testing::json_request;
using testing::request_of;

Request form_request(std::string body, std::string query = {}) {
  Request out = request_of("POST", "/v1/query");
  out.headers.add("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  out.body = std::move(body);
  out.query = std::move(query);
  return out;
}

std::string refusal(const std::function<void()>& work, int status = 400) {
  try {
    work();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status, status);
    return refusal.code + " " + refusal.param + " " + refusal.what();
  }
  return "";
}

TEST(Fields, OfSettingsWinOverTheSameBeside) {
  const Request request = json_request(
      "/", std::string(
               R"({"settings": {"temperature": 0.25, "maxTokens": 7}, "temperature": 0.5, "top_p": 0.75})"));
  const Fields fields(request);
  EXPECT_EQ(fields.number("temperature"), 0.25);
  EXPECT_EQ(fields.number("top_p"), 0.75);
  EXPECT_EQ(fields.count("max_tokens", 1, 100), 7);
  EXPECT_EQ(fields.number("max_objects"), std::nullopt);
}

TEST(Fields, OfTheQueryStringWinOverTheBody) {
  Request request =
      json_request("/", std::string(R"({"question": "a", "temperature": 1, "settings": {"top_p": 0.5}})"));
  request.query = "question=b&settings=%7B%22temperature%22%3A0%7D&top_p=0.25";
  const Fields fields(request);
  EXPECT_EQ(fields.string("question"), "b");
  EXPECT_EQ(fields.number("temperature"), 0);
  EXPECT_EQ(fields.number("top_p"), 0.25);
}

TEST(Fields, HaveOtherNamesToo) {
  const Request request = json_request(
      "/",
      std::string(R"({"obj": "cat", "topP": 0.5, "maxObjects": 3, "imageUrl": "x", "spatialRefs": []})"));
  const Fields fields(request);
  EXPECT_EQ(fields.string("object"), "cat");
  EXPECT_EQ(fields.number("top_p"), 0.5);
  EXPECT_EQ(fields.count("max_objects", 1, 9), 3);
  EXPECT_EQ(fields.string("image_url"), "x");
  EXPECT_NE(fields.array("spatial_refs"), nullptr);
}

TEST(Fields, ThatAreNullAreAbsent) {
  const Request request = json_request(
      "/",
      std::string(
          R"({"question": null, "stream": null, "settings": null, "temperature": 1, "object": null, "obj": "x"})"));
  const Fields fields(request);
  EXPECT_EQ(fields.string("question"), std::nullopt);
  EXPECT_EQ(fields.boolean("stream"), std::nullopt);
  EXPECT_EQ(fields.number("temperature"), 1);
  EXPECT_EQ(fields.string("object"), "x");
  EXPECT_EQ(refusal([&] { fields.required_string("question", 9); }),
            "missing_field question question: it is missing");
}

TEST(Fields, OfFormsMayStandForAnything) {
  const Request request =
      form_request("stream=1&reasoning=false&temperature=0.5&max_tokens=12&seed=-3&spatial_refs=[[0.5,0.5]]");
  const Fields fields(request);
  EXPECT_EQ(fields.boolean("stream"), true);
  EXPECT_EQ(fields.boolean("reasoning"), false);
  EXPECT_EQ(fields.number("temperature"), 0.5);
  EXPECT_EQ(fields.count("max_tokens", 1, 100), 12);
  EXPECT_EQ(fields.seed(), static_cast<std::uint64_t>(-3));
  ASSERT_NE(fields.array("spatial_refs"), nullptr);
  EXPECT_EQ(fields.array("spatial_refs")->items[0].items[1].number, 0.5);
}

TEST(Fields, OfFormsAreCheckedLikeAllOthers) {
  const auto bad = [](const std::string& body, const std::function<void(const Fields&)>& read) {
    const Request request = form_request(body);
    return refusal([&] { read(Fields(request)); });
  };
  const auto number = [](const Fields& fields) { fields.number("temperature"); };
  EXPECT_EQ(bad("temperature=nan", number),
            "invalid_value temperature temperature: expected a number, got \"nan\"");
  EXPECT_NE(bad("temperature=1e309", number), "");
  EXPECT_NE(bad("temperature=", number), "");
  EXPECT_NE(bad("temperature=1x", number), "");
  EXPECT_EQ(bad("stream=yes", [](const Fields& fields) { fields.boolean("stream"); }),
            "invalid_value stream stream: expected true or false, got \"yes\"");
  EXPECT_EQ(bad("settings={", number), "invalid_value settings settings: expected JSON, got \"{\"");
  EXPECT_EQ(bad("settings=[]", number), "invalid_value settings settings: expected an object, got an array");
}

TEST(Fields, OfTheWrongTypeAreRefusedByName) {
  const Request request = json_request(
      "/",
      std::string(
          R"({"question": 5, "stream": "true", "settings": {"temperature": "0.5", "max_tokens": 1.5}, "spatial_refs": {}, "seed": 0.5})"));
  const Fields fields(request);
  EXPECT_EQ(refusal([&] { fields.string("question"); }),
            "invalid_value question question: expected a string, got 5");
  EXPECT_EQ(refusal([&] { fields.boolean("stream"); }),
            "invalid_value stream stream: expected true or false, got \"true\"");
  EXPECT_EQ(refusal([&] { fields.number("temperature"); }),
            "invalid_value settings.temperature settings.temperature: expected a number, got \"0.5\"");
  EXPECT_EQ(refusal([&] { fields.count("max_tokens", 1, 9); }),
            "invalid_value settings.max_tokens settings.max_tokens: expected an integer, got 1.5");
  EXPECT_NE(refusal([&] { fields.array("spatial_refs"); }), "");
  EXPECT_NE(refusal([&] { fields.seed(); }), "");
}

TEST(Fields, CountsBeyondTheirLimitAreTheLimit) {
  for (const char* large : {"101", "2147483648", "9223372036854775808", "1e300", "100"}) {
    const Request request = json_request("/", std::string(R"({"max_tokens": )") + large + "}");
    EXPECT_EQ(Fields(request).count("max_tokens", 1, 100), 100) << large;
  }
  for (const char* small : {"0", "-1", "-9223372036854775809", "-1e300"}) {
    const Request request = json_request("/", std::string(R"({"max_tokens": )") + small + "}");
    EXPECT_EQ(refusal([&] { Fields(request).count("max_tokens", 1, 100); }),
              std::string("invalid_value max_tokens max_tokens: expected at least 1, got ") + small);
  }
}

TEST(Fields, ReadJsonThatCurlCallsAForm) {
  Request request = form_request(R"({"question": "a&b"})");
  EXPECT_EQ(Fields(request).string("question"), "a&b");
  request.headers = {};
  EXPECT_EQ(Fields(request).string("question"), "a&b");
}

TEST(Fields, TakeAPictureFromABodyOrAPart) {
  Request raw = request_of("POST", "/v1/caption");
  raw.headers.add("Content-Type", "image/png");
  raw.body = "\x89PNG";
  raw.query = "length=short";
  const Fields fields(raw);
  EXPECT_EQ(fields.upload(), "\x89PNG");
  EXPECT_EQ(fields.string("length"), "short");

  Request parts = request_of("POST", "/v1/query");
  parts.headers.add("Content-Type", "multipart/form-data; boundary=b");
  parts.body =
      "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\n\xff\xd8\r\n--b\r\n"
      "Content-Disposition: form-data; name=\"question\"\r\n\r\nWhat?\r\n--b--\r\n";
  const Fields form(parts);
  EXPECT_EQ(form.upload(), "\xff\xd8");
  EXPECT_EQ(form.string("question"), "What?");
}

TEST(Fields, RefuseOtherMediaTypes) {
  Request request = request_of("POST", "/v1/query");
  request.headers.add("Content-Type", "text/plain");
  request.body = "x";
  EXPECT_EQ(refusal([&] { Fields{request}; }, 415).substr(0, 22), "unsupported_media_type");
  request.body.clear();
  EXPECT_EQ(refusal([&] { Fields{request}; }), "");
}

TEST(Fields, OfARequestWithoutThemAreNone) {
  const Request request = json_request("/", std::string("{}"));
  EXPECT_EQ(Fields(request).upload(), std::nullopt);
  EXPECT_NE(refusal([] { Fields(json_request("/", std::string("[]"))); }), "");
}

}  // namespace
}  // namespace moonbeam::server

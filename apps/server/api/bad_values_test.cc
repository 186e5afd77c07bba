// Every field of every route with every kind of wrong value: an answer, or 400 that names the field; never
// 500, whatever came.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "image/test_pictures.h"
#include "server/api/bad_values.h"
#include "server/api/native.h"

namespace moonbeam::server {
namespace {

using testing::json;
using testing::kBig;
using testing::kHuge;
using testing::kMax;
using testing::kValues;
using testing::Recording;
using testing::sample_uri;

class BadValues : public testing::Posting {
 protected:
  BadValues() { add_native_routes(router_, service_); }
  /// A request that is right, with `value` as the JSON of `field`; in settings where `nested`.
  static std::string with(const std::string& path, const std::string& field, const std::string& value,
                          bool nested) {
    std::vector<std::pair<std::string, std::string>> members = {{"image_url", "\"" + sample_uri() + "\""}};
    if (path == "/v1/query") members.emplace_back("question", "\"What?\"");
    if (path == "/v1/detect" || path == "/v1/point") members.emplace_back("object", "\"apple\"");
    std::string out = "{", settings = "\"max_objects\": 2";
    if (field != "max_tokens") settings += ", \"max_tokens\": 2";
    bool placed = nested;
    for (const auto& [name, right] : members) {
      const bool here = name == field;
      placed = placed || here;
      if (here && value == "missing") continue;
      out += "\"" + name + "\": " + (here ? value : right) + ", ";
    }
    if (nested && value != "missing") settings += ", \"" + field + "\": " + value;
    if (!placed && value != "missing") out += "\"" + field + "\": " + value + ", ";
    if (field == "settings" && value != "missing") return out.substr(0, out.size() - 2) + "}";
    return out + "\"settings\": {" + settings + "}}";
  }
};

struct Case {
  const char* field;
  bool nested;
  const char* routes;  // first letters
  /// Of the values that are answered with 200.
  std::vector<std::string> right;
};

// max + 1 of the field
std::string value_of(const Case& of, const std::string& value) {
  if (value != kMax) return value;
  const std::string field = of.field;
  if (field == "top_p" || field == "spatial_refs") return "2";
  if (field == "max_tokens") return "2049";
  if (field == "max_objects") return "1001";
  if (field == "question") return "\"" + std::string(8193, 'a') + "\"";
  if (field == "object") return "\"" + std::string(513, 'a') + "\"";
  if (field == "seed") return "18446744073709551616";
  return "301";
}

const std::string kNull = "null", kMissing = "missing", kX = "\"x\"", kEmpty = "\"\"", kTrue = "true";

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"image_url", false, "cqdp", {}},
      {"length", false, "c", {kNull, kMissing}},
      {"question", false, "q", {kX}},
      {"object", false, "dp", {kX}},
      {"stream", false, "cqdp", {kNull, kMissing, kTrue}},
      {"reasoning", false, "q", {kNull, kMissing}},
      {"spatial_refs", false, "qdp", {kNull, kMissing, "[]"}},
      {"settings", false, "cqdp", {kNull, kMissing, "{}"}},
      {"temperature", true, "cq", {kNull, kMissing, "0", kMax, kBig, kHuge}},
      {"temperature", false, "cq", {kNull, kMissing, "0", kMax, kBig, kHuge}},
      {"top_p", true, "cq", {kNull, kMissing}},
      {"max_tokens", true, "cq", {kNull, kMissing, kMax, kBig, kHuge}},
      {"max_objects", true, "dp", {kNull, kMissing, kMax, kBig, kHuge}},
      {"seed", true, "cq", {kNull, kMissing, "0", "-1", kBig, kHuge}},
      {"model", false, "cqdp", {kNull, kMissing, kEmpty, kX}},
      {"variant", false, "cqdp", {kNull, kMissing, kEmpty, kX}},
      {"timeout", false, "cqdp", {kNull, kMissing, kMax, kBig, kHuge}},
  };
  return all;
}

TEST_F(BadValues, AreRefusedByNameOrAnswered) {
  int asked = 0;
  for (const Case& of : cases()) {
    for (const char* route = of.routes; *route != '\0'; ++route) {
      const std::string path = *route == 'c'   ? "/v1/caption"
                               : *route == 'q' ? "/v1/query"
                               : *route == 'd' ? "/v1/detect"
                                               : "/v1/point";
      for (const std::string& value : kValues) {
        const std::string body = with(path, of.field, value_of(of, value), of.nested);
        const Recording exchange = post(path, body);
        ++asked;
        const std::string what =
            path + " " + of.field + " = " + value + ": " + exchange->response_.body.substr(0, 300);
        bool right = std::find(of.right.begin(), of.right.end(), value) != of.right.end();
        // A question needs no picture.
        if (of.field == std::string("image_url") && path == "/v1/query")
          right = value == kNull || value == kMissing;
        if (right) {
          EXPECT_EQ(exchange->status(), 200) << what;
          continue;
        }
        testing::expect_refusal_of(exchange, of.field, what);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(asked, 500);
}

TEST_F(BadValues, OfWholeBodiesAreRefused) {
  const std::string picture = "{\"image_url\": \"" + sample_uri() + "\", \"question\": ";
  EXPECT_EQ(post("/v1/query", picture + "\"" + std::string(1 << 20, 'a') + "\"}")->body()["error"]["param"],
            "question");
  EXPECT_EQ(post("/v1/query", picture + "\"a\xff\"}")->body()["error"]["code"], "invalid_json");
  EXPECT_EQ(post("/v1/query", picture + "\"a\", \"x\": " + std::string(100'000, '[') + "}")
                ->body()["error"]["code"],
            "invalid_json");
  for (const char* body : {"", "[]", "1", "\"x\"", "null", "{", "{}"})
    EXPECT_EQ(post("/v1/query", body)->status(), 400) << body;
}

TEST_F(BadValues, TextOfSpecialTokensIsPlainText) {
  const Model model = testing::starter();
  for (const char* text : {"<|endoftext|>", "<|answer|>", "<|coord|><|size|>", "<|md_reserved_0|>"}) {
    json body = {{"image_url", sample_uri()},
                 {"question", text},
                 {"settings", {{"temperature", 0}, {"max_tokens", 8}}}};
    const json got = post("/v1/query", body.dump())->body();
    QueryOptions options;
    options.max_tokens = 8;
    const QueryResult expected = model.query(
        model.encode_image(load_image(testing::kTests + "data/starter/samples/s1.png")), text, options);
    EXPECT_EQ(got["answer"], expected.answer) << text;
    EXPECT_EQ(got["metrics"]["input_tokens"], expected.usage.prompt_tokens);
    EXPECT_GT(model.encode(text).size(), 3u) << text;
  }
}

// ------------------------------------------------------------------------------------- pictures

/// Status and code of a picture in `image_url`; "200" for an answer.
class HostilePictures : public BadValues {
 protected:
  std::string outcome(const std::string& bytes) {
    const json body = {{"image_url", "data:image/png;base64," + testing::base64(bytes)}, {"max_tokens", 1}};
    const auto start = std::chrono::steady_clock::now();
    const Recording exchange = post("/v1/caption", body.dump());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    if (exchange->status() == 200) return "200";
    const json error = exchange->body()["error"];
    EXPECT_EQ(error["param"], "image_url");
    EXPECT_LT(error["message"].get<std::string>().size(), 200u);
    return std::to_string(exchange->status()) + " " + error["code"].get<std::string>();
  }
};

TEST_F(HostilePictures, OfAnyShapeAreAnswered) {
  for (const auto& [height, width] : {std::pair{1u, 20'000u}, {20'000u, 1u}, {1u, 65'535u}, {1u, 1u}})
    EXPECT_EQ(outcome(image::testing::flat_png(height, width, 8, 2)), "200") << height << "x" << width;
}

TEST_F(HostilePictures, ThatAreBombsAreRefused) {
  using namespace image::testing;
  const std::string large = "413 image_too_large", broken = "400 image_decode_failed";
  EXPECT_EQ(outcome(flat_png(8'000, 8'000, 1, 0)), large);
  EXPECT_EQ(outcome(flat_png(65'535, 1'000, 1, 3)), large);
  EXPECT_EQ(outcome(flat_png(1, 65'536, 1, 0)), large);
  EXPECT_EQ(outcome(bmp(60'000, 60'000, 8, 1, 1, std::string("\0\0\0\0\0\1", 6), 58)), large);
  EXPECT_EQ(outcome("P5 60000 60000 255\n"), large);
  EXPECT_EQ(outcome("P1 4294967295 4294967295\n"), broken);
  EXPECT_EQ(outcome(gif(
                {.screen_height = 65'535, .screen_width = 65'535, .height = 1, .width = 1, .indices = {0}})),
            large);
  EXPECT_EQ(outcome(jpeg_grey(std::vector<std::uint8_t>(512 * 512, 130), 512, 512, JpegKind::kManyScans)),
            large);

  // Sizes that are allowed, in files far too short to hold them.
  std::string bare = flat_png(1, 7'000, 8, 6);
  bare.replace(20, 4, big(7'000, 4));
  bare.replace(12, 21, png_chunk("IHDR", bare.substr(16, 13)).substr(4));
  EXPECT_EQ(outcome(bare), broken);
  std::string frame = jpeg(gradient(16, 16));
  const std::size_t size = frame.find("\xff\xc0") + 5;
  frame.replace(size, 4, big(7'000, 2) + big(7'000, 2));
  EXPECT_EQ(outcome(frame), broken);
  frame.replace(size, 4, big(65'500, 2) + big(65'500, 2));
  EXPECT_EQ(outcome(frame), large);
}

TEST_F(HostilePictures, OfManyFramesCostOne) {
  EXPECT_EQ(outcome(image::testing::gif({.screen_height = 50,
                                         .screen_width = 50,
                                         .height = 50,
                                         .width = 50,
                                         .indices = std::vector<std::uint8_t>(2'500, 1),
                                         .frames = 1000})),
            "200");
}

TEST_F(HostilePictures, CutAnywhereAreAnsweredOrRefused) {
  const std::string whole = image::testing::jpeg(image::testing::gradient(24, 24));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const std::string got = outcome(whole.substr(0, size));
    EXPECT_TRUE(got == "200" || got == "400 image_decode_failed") << size << ": " << got;
  }
}

}  // namespace
}  // namespace moonbeam::server

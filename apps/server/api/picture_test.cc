#include "server/api/picture.h"

#include <gtest/gtest.h>

#include <chrono>

#include "image/test_pictures.h"
#include "server/api/testing.h"
#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

using image::testing::flat_png;
using image::testing::gradient;
using image::testing::jpeg;
using image::testing::jpeg_with_exif;
using testing::base64;
using testing::json;
using testing::json_request;
using testing::request_of;

Request raw_request(std::string bytes, const std::string& type = "image/jpeg") {
  Request out = request_of("POST", "/v1/caption");
  out.headers.add("Content-Type", type);
  out.body = std::move(bytes);
  return out;
}

Picture picture(const Request& request, const PictureLimits& limits = {}) {
  const Fields fields(request);
  return required_picture(fields, limits);
}
Picture picture_of_uri(const std::string& uri) {
  return picture(json_request("/v1/caption", json{{"image_url", uri}}));
}

std::string refused(const std::function<void()>& work) {
  try {
    work();
  } catch (const Refusal& refusal) {
    return std::to_string(refusal.status) + " " + refusal.code + " " + refusal.param;
  }
  return "";
}

TEST(Picture, IsTheSameByEveryWay) {
  const std::string bytes = testing::sample_bytes(), text = base64(bytes);
  const Image expected = picture(raw_request(bytes, "image/png")).image;
  EXPECT_GT(expected.width, 0);
  std::string broken_lines;
  for (std::size_t i = 0; i < text.size(); i += 76) broken_lines += text.substr(i, 76) + "\r\n";
  Request form = request_of("POST", "/v1/caption");
  form.headers.add("Content-Type", "multipart/form-data; boundary=b");
  form.body =
      "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\n" + bytes + "\r\n--b--";
  const Image ways[] = {picture_of_uri("data:image/png;base64," + text).image,
                        picture_of_uri("data:text/html;base64," + text).image,
                        picture_of_uri(text).image,
                        picture_of_uri(text.substr(0, text.find('='))).image,
                        picture_of_uri("data:image/png;base64,\n" + broken_lines).image,
                        picture(raw_request(bytes, "application/octet-stream")).image,
                        picture(form).image};
  for (const Image& way : ways) EXPECT_EQ(way.pixels, expected.pixels);
}

TEST(Picture, IsTurnedAsUploadAndLeftAsItLiesInAnAddress) {
  const std::string turned = jpeg_with_exif(jpeg(gradient(12, 30)), 6, true);
  EXPECT_EQ(picture_of_uri("data:image/jpeg;base64," + base64(turned)).image.width, 30);
  EXPECT_EQ(picture(raw_request(turned)).image.width, 12);
  EXPECT_EQ(picture(raw_request(turned), {.turn_uploads = false}).image.width, 30);
}

TEST(Picture, OfTooManyPixelsIsRefusedFromItsHeader) {
  for (const auto& [height, width] : {std::pair{8'000u, 8'000u}, {1u, 65'536u}}) {
    const Request request = raw_request(flat_png(height, width, 1, 0));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(refused([&] { picture(request); }), "413 image_too_large image");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
  }
  EXPECT_EQ(refused([] { picture(raw_request(flat_png(20, 20, 1, 0)), {.max_pixels = 399}); }),
            "413 image_too_large image");
}

TEST(Picture, ThatTakesLongIsGivenUp) {
  EXPECT_EQ(refused([] { picture(raw_request(flat_png(3000, 3000, 16, 6)), {.deadline_seconds = 0.01}); }),
            "413 image_too_large image");
}

TEST(Picture, OfAnyShapeIsAccepted) {
  EXPECT_EQ(picture(raw_request(flat_png(1, 20'000, 8, 2))).image.width, 20'000);
  EXPECT_EQ(picture(raw_request(flat_png(20'000, 1, 8, 2))).image.height, 20'000);
}

TEST(Picture, ThatIsNoneIsRefusedWithoutItsData) {
  EXPECT_EQ(refused([] { picture_of_uri("data:image/png;base64,!!!"); }),
            "400 image_decode_failed image_url");
  EXPECT_EQ(refused([] { picture_of_uri(base64("hello")); }), "400 image_decode_failed image_url");
  EXPECT_EQ(refused([] { picture_of_uri(""); }), "400 image_decode_failed image_url");
  EXPECT_EQ(refused([] { picture_of_uri("/etc/passwd"); }), "400 image_decode_failed image_url");
  EXPECT_EQ(refused([] { picture_of_uri("file:///etc/passwd"); }), "400 image_decode_failed image_url");
  EXPECT_EQ(refused([] { picture(raw_request("GIF89a")); }), "400 image_decode_failed image");
  EXPECT_EQ(refused([] { picture(json_request("/", json::object())); }), "400 missing_field image_url");
  EXPECT_EQ(refused([] {
              picture(json_request("/", json{{"image_url", 5}}));
            }),
            "400 invalid_value image_url");
}

TEST(Picture, FromAWebAddressIsRefusedWithTheReason) {
  for (const char* uri : {"http://127.0.0.1/x.jpg", "https://example.org/x.jpg"})
    EXPECT_EQ(refused([&] { picture_of_uri(uri); }), "400 url_images_disabled image_url");
}

TEST(Picture, FromAWebAddressIsFetchedWhereThatIsAllowed) {
  PictureLimits limits;
  std::string asked;
  limits.fetch = [&](std::string_view url, const std::string& field) -> std::string {
    asked += field + " " + std::string(url) + ";";
    if (url.ends_with("gone")) throw Refusal(400, "image_fetch_failed", "gone", field);
    return url.ends_with("text") ? "no picture" : flat_png(1, 1, 8, 2);
  };
  EXPECT_EQ(picture_from_uri(" https://example.org/a.png", "image_url", limits).pixels(), 1);
  EXPECT_EQ(refused([&] { picture_from_uri("https://example.org/text", "url", limits); }),
            "400 image_decode_failed url");
  EXPECT_EQ(refused([&] { picture_from_uri("https://example.org/gone", "url", limits); }),
            "400 image_fetch_failed url");
  EXPECT_EQ(asked,
            "image_url https://example.org/a.png;url https://example.org/text;url https://example.org/gone;");
}

}  // namespace
}  // namespace moonbeam::server

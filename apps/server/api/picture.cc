#include "server/api/picture.h"

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <moonbeam/error.h>

#include "server/api/base64.h"
#include "server/api/error.h"

namespace moonbeam::server {

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

[[noreturn]] void fail_decode(const std::string& field, const std::string& message) {
  throw Refusal(400, "image_decode_failed", message, field);
}

std::string fetched(std::string_view url, const std::string& field, const PictureLimits& limits) {
  if (limits.fetch) return limits.fetch(url, field);
  throw Refusal(400, "url_images_disabled",
                field +
                    ": this server fetches no pictures from web addresses unless it is started with "
                    "--allow-url-images, since whoever may ask it could have it call other machines; send "
                    "the picture itself as a data URI",
                field);
}

std::string base64_of(const DataUri& read, const std::string& field) {
  if (read.kind == DataUri::Kind::kOther)
    fail_decode(field, field + ": expected data:image/...;base64, or base64");
  auto bytes = decode_base64(read.payload);
  if (!bytes) fail_decode(field, field + ": this is no base64");
  return std::move(*bytes);
}

}  // namespace

Picture picture_from_bytes(std::string_view bytes, const std::string& field, bool turn,
                           const PictureLimits& limits) {
  const auto start = Clock::now();
  const DecodeOptions options{.apply_orientation = turn,
                              .max_pixels = limits.max_pixels,
                              .deadline_seconds = limits.deadline_seconds};
  try {
    Picture out{decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), options, field)};
    out.decode_ms = ms_since(start);
    return out;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kExhausted) throw Refusal(413, "image_too_large", error.what(), field);
    fail_decode(field, error.what());
  }
}

Picture picture_from_uri(std::string_view uri, const std::string& field, const PictureLimits& limits) {
  const DataUri read = read_data_uri(uri);
  if (read.kind == DataUri::Kind::kWebAddress)
    return picture_from_bytes(fetched(read.payload, field, limits), field, false, limits);
  const auto start = Clock::now();
  Picture out = picture_from_bytes(base64_of(read, field), field, false, limits);
  out.decode_ms = ms_since(start);
  return out;
}

std::optional<Picture> read_picture(const Fields& fields, const PictureLimits& limits) {
  if (const auto bytes = fields.upload())
    return picture_from_bytes(*bytes, "image", limits.turn_uploads, limits);
  if (const auto uri = fields.string("image_url")) return picture_from_uri(*uri, "image_url", limits);
  return std::nullopt;
}

Picture required_picture(const Fields& fields, const PictureLimits& limits) {
  auto picture = read_picture(fields, limits);
  if (!picture) fail_missing("image_url");
  return std::move(*picture);
}

}  // namespace moonbeam::server

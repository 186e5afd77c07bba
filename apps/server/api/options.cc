#include "server/api/options.h"

#include <algorithm>
#include <random>

#include "base/text.h"
#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

std::string text_of(double value) {
  return base::cat(value);
}

SpatialRef spatial_ref(const JsonIn& value, const std::string& field) {
  constexpr const char* kExpected = "[x, y] or [x_min, y_min, x_max, y_max] with numbers in [0,1]";
  if (!value.is(Kind::kArray)) fail_value(field, kExpected, kind_name(value.kind));
  const auto& items = value.items;
  if (items.size() != 2 && items.size() != 4)
    fail_value(field, kExpected, std::to_string(items.size()) + " values");
  for (const JsonIn& item : items) {
    if (!item.is(Kind::kNumber)) fail_value(field, kExpected, kind_name(item.kind));
    if (!(item.number >= 0 && item.number <= 1)) fail_value(field, kExpected, item.text);
  }
  SpatialRef out;
  if (items.size() == 2) {
    out.point = Point{items[0].number, items[1].number};
  } else {
    out.box = Box{items[0].number, items[1].number, items[2].number, items[3].number};
    if (out.box->x_min > out.box->x_max || out.box->y_min > out.box->y_max)
      fail_value(field, "x_min <= x_max and y_min <= y_max", "a box turned round");
  }
  return out;
}

}  // namespace

void read_text_options(const Fields& fields, const Service& service, TextOptions& out) {
  const ServiceOptions& defaults = service.options();
  const int context = service.model().info().max_context;
  out.sampling.temperature = fields.number("temperature").value_or(defaults.temperature);
  if (out.sampling.temperature < 0)
    fail_value("temperature", "at least 0", text_of(out.sampling.temperature));
  out.sampling.top_p = fields.number("top_p").value_or(defaults.top_p);
  if (!(out.sampling.top_p > 0 && out.sampling.top_p <= 1))
    fail_value("top_p", "more than 0 and at most 1", text_of(out.sampling.top_p));
  out.max_tokens = fields.count("max_tokens", 1, context).value_or(std::min(defaults.max_tokens, context));
  const auto seed = fields.seed();
  out.sampling.seed = seed ? *seed : fresh_seed();
}

ObjectOptions read_object_options(const Fields& fields, const Service& service) {
  ObjectOptions out;
  out.max_objects = fields.count("max_objects", 1, kMaxObjects).value_or(service.options().max_objects);
  out.clamp = true;
  return out;
}

CaptionLength read_length(const Fields& fields, const Service& service, std::vector<std::string>& warnings) {
  return caption_length(fields.string("length").value_or("normal"), "length", service, warnings);
}

CaptionLength caption_length(std::string_view asked, const std::string& field, const Service& service,
                             std::vector<std::string>& warnings) {
  CaptionLength out = CaptionLength::kNormal;
  if (asked == "short") {
    out = CaptionLength::kShort;
  } else if (asked == "long") {
    out = CaptionLength::kLong;
  } else if (asked != "normal") {
    fail_value(field, "\"short\", \"normal\" or \"long\"", "\"" + printable(asked) + "\"");
  }
  const auto& known = service.model().info().caption_lengths;
  if (asked == "normal" || std::find(known.begin(), known.end(), asked) != known.end()) return out;
  warnings.push_back(field + ": this model has no caption of length \"" + std::string(asked) +
                     "\"; this one is \"normal\"");
  return CaptionLength::kNormal;
}

std::vector<SpatialRef> read_spatial_refs(const Fields& fields) {
  std::vector<SpatialRef> out;
  const JsonIn* refs = fields.array("spatial_refs");
  if (refs == nullptr) return out;
  if (refs->items.size() > kMaxSpatialRefs)
    fail_value("spatial_refs", "at most " + std::to_string(kMaxSpatialRefs),
               std::to_string(refs->items.size()));
  for (const JsonIn& item : refs->items) out.push_back(spatial_ref(item, "spatial_refs"));
  return out;
}

std::optional<double> read_timeout(const Fields& fields) {
  const auto seconds = fields.number("timeout");
  if (seconds && !(*seconds > 0)) fail_value("timeout", "more than 0 seconds", text_of(*seconds));
  return seconds;
}

std::uint64_t fresh_seed() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return random();
}

}  // namespace moonbeam::server

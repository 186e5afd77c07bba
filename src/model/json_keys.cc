// Reads a JSON object key by key, naming the full path of what is wrong.
#include "model/json_keys.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace moonbeam::model {

using base::fail;

JsonKeys::JsonKeys(const nlohmann::json& json, std::string file, std::string path)
    : json_(&json), file_(std::move(file)), path_(std::move(path)) {
  if (!json.is_object()) {
    fail(ErrorCode::kCorrupt, file_, ": ", path_.empty() ? "document" : path_, ": expected an object, got ",
         json.type_name());
  }
}

std::string JsonKeys::name(std::string_view key) const {
  return path_.empty() ? base::printable(key) : base::cat(path_, ".", base::printable(key));
}

void JsonKeys::fail_type(std::string_view key, std::string_view expected, const nlohmann::json& got) const {
  std::string shown =
      got.is_primitive() ? got.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) : "";
  if (shown.size() > 40) shown = shown.substr(0, 37) + "...";
  fail(ErrorCode::kCorrupt, file_, ": ", name(key), ": expected ", expected, ", got ", got.type_name(),
       shown.empty() ? "" : " ", shown);
}

const nlohmann::json* JsonKeys::value(const char* key) {
  asked_.insert(key);
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonKeys::has(const char* key) const {
  return json_->contains(key);
}

bool JsonKeys::is_null(const char* key) const {
  const auto found = json_->find(key);
  return found != json_->end() && found->is_null();
}

int JsonKeys::integer(std::string_view key, const nlohmann::json& json) const {
  constexpr auto kMax = std::numeric_limits<int>::max();
  if (!json.is_number_integer()) fail_type(key, "a whole number", json);
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > kMax)
    fail_type(key, "a number below 2^31", json);
  const auto value = json.get<std::int64_t>();
  if (value < -kMax || value > kMax) fail_type(key, "a number below 2^31", json);
  return static_cast<int>(value);
}

void JsonKeys::read(const char* key, int& out) {
  if (const auto* json = value(key)) out = integer(key, *json);
}

void JsonKeys::read(const char* key, float& out) {
  const auto* json = value(key);
  if (!json) return;
  if (!json->is_number()) fail_type(key, "a number", *json);
  const auto number = static_cast<float>(json->get<double>());
  if (!std::isfinite(number)) fail_type(key, "a finite number", *json);
  out = number;
}

void JsonKeys::read(const char* key, bool& out) {
  const auto* json = value(key);
  if (!json) return;
  if (!json->is_boolean()) fail_type(key, "true or false", *json);
  out = json->get<bool>();
}

void JsonKeys::read(const char* key, std::string& out) {
  const auto* json = value(key);
  if (!json) return;
  if (!json->is_string()) fail_type(key, "a string", *json);
  out = json->get<std::string>();
}

void JsonKeys::read(const char* key, std::vector<int>& out) {
  const auto* json = value(key);
  if (!json) return;
  if (!json->is_array()) fail_type(key, "a list of token ids", *json);
  std::vector<int> ids;
  for (const auto& element : *json) ids.push_back(integer(key, element));
  out = std::move(ids);
}

std::optional<JsonKeys> JsonKeys::object(const char* key) {
  const auto* json = value(key);
  if (!json) return std::nullopt;
  return JsonKeys(*json, file_, name(key));
}

std::vector<std::string> JsonKeys::unknown() const {
  std::vector<std::string> out;
  for (const auto& [key, unused] : json_->items()) {
    if (!asked_.contains(key)) out.push_back(name(key));
  }
  return out;
}

nlohmann::json parse_json(std::string_view text, const std::string& name) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    fail(ErrorCode::kCorrupt, name, ": expected JSON, got something else at byte ", error.byte, " of ",
         text.size());
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kCorrupt, name, ": expected JSON: ", base::printable(error.what()));
  }
}

}  // namespace moonbeam::model

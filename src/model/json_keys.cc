// Reads a JSON object key by key, naming the full path of what is wrong.
#include "model/json_keys.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/error.h"

namespace moonbeam::model {

using base::fail;
using formats::JsonValue;

JsonKeys::JsonKeys(const JsonValue& json, std::string file, std::string path)
    : object_(json.object()), file_(std::move(file)), path_(std::move(path)) {
  if (!object_) {
    fail(ErrorCode::kCorrupt, file_, ": ", path_.empty() ? "document" : path_, ": expected an object, got ",
         json.described());
  }
}

std::string JsonKeys::name(std::string_view key) const {
  return path_.empty() ? base::printable(key) : base::cat(path_, ".", base::printable(key));
}

void JsonKeys::fail_type(std::string_view key, std::string_view expected, const JsonValue& got) const {
  fail(ErrorCode::kCorrupt, file_, ": ", name(key), ": expected ", expected, ", got ", got.described());
}

const JsonValue* JsonKeys::value(const char* key) {
  asked_.insert(key);
  const JsonValue* found = object_->find(key);
  return found && !found->is_null() ? found : nullptr;
}

bool JsonKeys::has(const char* key) const {
  return object_->find(key) != nullptr;
}

bool JsonKeys::is_null(const char* key) const {
  const JsonValue* found = object_->find(key);
  return found && found->is_null();
}

int JsonKeys::integer(std::string_view key, const JsonValue& value) const {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();
  const std::uint64_t* whole = value.whole();
  const std::int64_t* negative = value.negative();
  if (!whole && !negative) fail_type(key, "a whole number", value);
  if (whole ? *whole > std::uint64_t{kMax} : *negative < -kMax) {
    fail_type(key, "a number between -2^31 and 2^31", value);
  }
  return static_cast<int>(whole ? static_cast<std::int64_t>(*whole) : *negative);
}

void JsonKeys::read(const char* key, int& out) {
  if (const JsonValue* found = value(key)) out = integer(key, *found);
}

void JsonKeys::read(const char* key, float& out) {
  const JsonValue* found = value(key);
  if (!found) return;
  const std::optional<double> number = found->number();
  if (!number) fail_type(key, "a number", *found);
  const auto narrow = static_cast<float>(*number);
  if (!std::isfinite(narrow)) fail_type(key, "a finite number", *found);
  out = narrow;
}

void JsonKeys::read(const char* key, bool& out) {
  const JsonValue* found = value(key);
  if (!found) return;
  if (!found->boolean()) fail_type(key, "true or false", *found);
  out = *found->boolean();
}

void JsonKeys::read(const char* key, std::string& out) {
  const JsonValue* found = value(key);
  if (!found) return;
  if (!found->string()) fail_type(key, "a string", *found);
  out = *found->string();
}

void JsonKeys::read(const char* key, std::vector<int>& out) {
  const JsonValue* found = value(key);
  if (!found) return;
  if (!found->array()) fail_type(key, "a list of token ids", *found);
  std::vector<int> ids;
  for (const JsonValue& element : *found->array()) ids.push_back(integer(key, element));
  out = std::move(ids);
}

std::optional<JsonKeys> JsonKeys::object(const char* key) {
  const JsonValue* found = value(key);
  if (!found) return std::nullopt;
  return JsonKeys(*found, file_, name(key));
}

std::vector<std::string> JsonKeys::unknown() const {
  std::vector<std::string> out;
  for (const auto& [key, unused] : object_->members) {
    if (!asked_.contains(key)) out.push_back(name(key));
  }
  return out;
}

}  // namespace moonbeam::model

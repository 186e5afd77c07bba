#include "data/formats/json_row.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace moonbeam::data {

using base::cat;
using nlohmann::json;

std::string json_in_short(const json* value) {
  if (value == nullptr) return "nothing";
  if (value->is_string() || value->is_number()) {
    constexpr std::size_t kShown = 60;
    std::string text = value->dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > kShown) text.resize(kShown);
    return base::printable(text);
  }
  return value->type_name();
}

const json* JsonRow::find(const char* key) const {
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

void JsonRow::fail_with(Reason reason, std::string_view message) const {
  std::string place;
  const auto id = value_.find("id");
  if (id != value_.end() && id->is_number_integer()) place = cat("id ", id->get<std::int64_t>());
  if (place_.line > 0) place += cat(place.empty() ? "" : ", ", "line ", place_.line, ", byte ", place_.byte);
  throw RecordError(reason, cat(where_, ": ", message, place.empty() ? "" : " (" + place + ")"));
}

void JsonRow::fail(Reason reason, const char* key, std::string_view expected) const {
  fail_with(reason, cat(key, ": expected ", expected, ", got ", json_in_short(find(key))));
}

void JsonRow::fail(const char* key, std::string_view expected) const {
  fail(find(key) == nullptr ? Reason::kMissingKey : Reason::kBadValue, key, expected);
}

void JsonRow::count_keys(std::string_view record, std::initializer_list<std::string_view> required,
                         std::initializer_list<std::string_view> optional) const {
  if (reading_ == nullptr) return;
  const auto in = [](const auto& list, std::string_view key) {
    return std::find(list.begin(), list.end(), key) != list.end();
  };
  std::size_t known = 0;
  for (auto it = value_.begin(); it != value_.end(); ++it) {
    if (in(optional, it.key())) {
      ++known;
    } else if (!in(required, it.key())) {
      reading_->count_key(reading_->counts.unknown_keys, record, it.key());
    }
  }
  if (known == optional.size()) return;
  for (const std::string_view key : optional) {
    if (!value_.contains(key)) reading_->count_key(reading_->counts.absent_keys, record, key);
  }
}

bool JsonRow::has(const char* key) const {
  return find(key) != nullptr;
}

std::string JsonRow::text(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_string()) fail(key, "a string");
  return value->get<std::string>();
}

std::string JsonRow::text_or(const char* key, std::string_view otherwise) const {
  return has(key) ? text(key) : std::string(otherwise);
}

std::int64_t JsonRow::whole(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_number_integer()) fail(key, "a whole number");
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    fail(key, "a whole number of 64 bits");
  }
  return value->get<std::int64_t>();
}

std::int64_t JsonRow::whole(const char* key, std::int64_t least, std::int64_t most) const {
  const std::int64_t value = whole(key);
  if (value < least || value > most) fail(key, cat("a whole number of ", least, " to ", most));
  return value;
}

double JsonRow::number(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) fail(key, "a number");
  return value->get<double>();
}

bool JsonRow::flag_or(const char* key, bool otherwise) const {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  return whole(key, 0, 1) == 1;
}

std::vector<double> JsonRow::numbers(const char* key, std::size_t count) const {
  const json* value = find(key);
  const bool list = value != nullptr && value->is_array() && value->size() == count;
  std::vector<double> out;
  for (std::size_t i = 0; list && i < count; ++i) {
    const json& one = (*value)[i];
    if (one.is_number() && std::isfinite(one.get<double>())) out.push_back(one.get<double>());
  }
  if (out.size() != count) fail(key, cat(count, " numbers"));
  return out;
}

std::vector<std::string> JsonRow::texts(const char* key) const {
  const json* value = find(key);
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (!value->is_array()) fail(key, "a list of strings");
  for (const json& one : *value) {
    if (!one.is_string()) fail(key, "a list of strings");
    out.push_back(one.get<std::string>());
  }
  return out;
}

std::vector<JsonRow> JsonRow::rows(const char* key, bool optional) const {
  const json* value = find(key);
  std::vector<JsonRow> out;
  if (value == nullptr && optional) return out;
  if (value == nullptr || !value->is_array()) fail(key, "a list");
  out.reserve(value->size());
  for (std::size_t i = 0; i < value->size(); ++i) {
    const json& one = (*value)[i];
    out.emplace_back(one, cat(where_, ": ", key, " ", i + 1), place_, reading_);
    if (!one.is_object()) {
      out.back().fail_with(Reason::kBadValue, cat("expected an object, got ", json_in_short(&one)));
    }
  }
  return out;
}

JsonRow JsonRow::object(const char* key) const {
  const json* value = find(key);
  if (value == nullptr || !value->is_object()) fail(key, "an object");
  return {*value, cat(where_, ": ", key), place_, reading_};
}

}  // namespace moonbeam::data

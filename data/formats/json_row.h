// Members of one record that was read from JSON, with messages that say where it stands.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/reading.h"

namespace moonbeam::data {

/// Where a record begins.
struct JsonPlace {
  std::uint64_t line = 0, byte = 0;  ///< line 0: `where` says it already
};

/// What is missing or of another kind is a RecordError "WHERE: KEY: expected ..., got ... (id 5, line 7, byte
/// 120)". Both the value and the reading have to outlive it.
class JsonRow {
 public:
  JsonRow(const nlohmann::json& value, std::string where, JsonPlace place = {}, Reading* reading = nullptr)
      : value_(value), where_(std::move(where)), place_(place), reading_(reading) {}

  const std::string& where() const { return where_; }
  const nlohmann::json& value() const { return value_; }

  /// Counts the keys that are in neither list, and those of the second that are absent.
  void count_keys(std::string_view record, std::initializer_list<std::string_view> required,
                  std::initializer_list<std::string_view> optional) const;

  bool has(const char* key) const;  ///< there, and not null
  std::string text(const char* key) const;
  std::string text_or(const char* key, std::string_view otherwise) const;  ///< where it is absent
  std::int64_t whole(const char* key) const;
  std::int64_t whole(const char* key, std::int64_t least, std::int64_t most) const;
  double number(const char* key) const;  ///< finite
  /// 0 and 1, true and false.
  bool flag_or(const char* key, bool otherwise) const;
  std::vector<double> numbers(const char* key, std::size_t count) const;
  std::vector<std::string> texts(const char* key) const;  ///< none where it is absent
  /// Elements of an array of objects; none where the key is absent and may be.
  std::vector<JsonRow> rows(const char* key, bool optional = false) const;
  JsonRow object(const char* key) const;

  [[noreturn]] void fail(const char* key, std::string_view expected) const;
  [[noreturn]] void fail(Reason reason, const char* key, std::string_view expected) const;
  /// "WHERE: MESSAGE (line 7, byte 120)"
  [[noreturn]] void fail_with(Reason reason, std::string_view message) const;

 private:
  const nlohmann::json* find(const char* key) const;

  const nlohmann::json& value_;
  std::string where_;
  JsonPlace place_;
  Reading* reading_;
};

/// A value in short, for messages.
std::string json_in_short(const nlohmann::json* value);

}  // namespace moonbeam::data

// Large files of JSON row by row: only one row is held at a time, whatever the file's size. And rows with
// messages that say where.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::train {

using Json = nlohmann::json;

/// Members of a row; what is missing or of another kind is an Error kCorrupt "WHERE: KEY: expected ..., got
/// ...".
class Row {
 public:
  Row(const Json& value, std::string where) : value_(value), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool has(const char* key) const;  ///< there, and not null
  std::string text(const char* key) const;
  std::int64_t whole(const char* key) const;
  double number(const char* key) const;
  std::vector<double> numbers(const char* key, std::size_t count) const;
  /// Elements of an array of objects; none where the key is absent and may be.
  std::vector<Row> rows(const char* key, bool optional = false) const;
  Row object(const char* key) const;
  [[noreturn]] void fail(const char* key, std::string_view expected) const;

 private:
  const Json* find(const char* key) const;
  const Json& value_;
  std::string where_;
};

/// Elements of the array that the file is, or of the arrays that are members of its object.
/// @param use  of each element: the member's key ("" where the file is an array), the element, its number
///             from 1 in its array
/// @throws Error kNotFound, kCorrupt (not JSON, an element that is no object), and what `use` throws.
void each_row(const std::string& path,
              const std::function<void(std::string_view key, const Json& row, std::int64_t number)>& use);

/// Lines that each hold an object; empty ones are passed over. @throws Error as each_row.
void each_line(const std::string& path, const std::function<void(const Json& row, std::int64_t line)>& use);

/// The first line where it is an object by itself, else null. @throws Error kNotFound.
Json first_line(const std::string& path);
/// First character that is no white space; 0 in an empty file. @throws Error kNotFound.
char first_character(const std::string& path);

}  // namespace moonbeam::train

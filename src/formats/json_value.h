// JSON of model files as a plain tree, with limits that hostile text cannot pass: depth, number of values,
// no key twice, no invalid UTF-8. Leaves the meaning of keys to its callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace moonbeam::formats {

class JsonValue;
using JsonArray = std::vector<JsonValue>;

/// Members in order of key, each key once.
struct JsonObject {
  std::vector<std::pair<std::string, JsonValue>> members;
  std::vector<std::uint32_t> written;  ///< indices of the members in the order of the text
  const JsonValue* find(std::string_view key) const noexcept;
};

/// A number that is not a whole one in [-2^63, 2^64) is kept as double: sizes and ids are exact or refused.
class JsonValue {
 public:
  using Data = std::variant<std::nullptr_t, bool, std::uint64_t, std::int64_t, double, std::string,
                            std::unique_ptr<JsonArray>, std::unique_ptr<JsonObject>>;
  JsonValue() = default;
  explicit JsonValue(Data data) : data_(std::move(data)) {}

  bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(data_); }
  /// Each gives null where the value is of another kind.
  const bool* boolean() const noexcept { return std::get_if<bool>(&data_); }
  const std::uint64_t* whole() const noexcept { return std::get_if<std::uint64_t>(&data_); }
  const std::int64_t* negative() const noexcept { return std::get_if<std::int64_t>(&data_); }  ///< and whole
  const std::string* string() const noexcept { return std::get_if<std::string>(&data_); }
  const JsonArray* array() const noexcept;
  const JsonObject* object() const noexcept;
  /// Any number; none where the value is of another kind.
  std::optional<double> number() const noexcept;
  /// For messages: "an object", "a string".
  std::string_view kind() const noexcept;
  /// For messages: the kind and, where it is short, the value: `a string "x"`, `a number 5`, `an array`.
  std::string described() const;

 private:
  Data data_ = nullptr;
};

inline constexpr int kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonValues = 4'000'000;  ///< a tokenizer of 256,000 tokens has half of it

/// `where` stands in front of messages. @throws Error kCorrupt (not JSON, not UTF-8, a key twice, too deep),
/// kUnsupported (too many values).
JsonValue parse_json(std::string_view text, const std::string& where);

/// `text` as a JSON string with its quotes. @throws Error kInvalidArgument if it is not UTF-8.
std::string json_quote(std::string_view text);

}  // namespace moonbeam::formats

// JSON that came in: checked whole, bounded, and read without a copy of its long strings. simdjson scans it;
// nothing of that shows here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonbeam::server {

class JsonIn {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string_view, JsonIn>;

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string_view text = {};  ///< of a string: what it says; of a number: as it was written
  std::vector<JsonIn> items = {};
  std::vector<Member> members = {};

  bool is(Kind other) const noexcept { return kind == other; }
  /// The member of this name, of several the last; nullptr where there is none or this is no object.
  const JsonIn* find(std::string_view name) const noexcept;
};

/// "null", "a boolean", "a number", "a string", "an array", "an object"
const char* kind_name(JsonIn::Kind kind) noexcept;
/// A value for messages: what it is, cut short.
std::string shown(const JsonIn& value);

/// A document and what its values point into.
class JsonDocument {
 public:
  static constexpr int kMaxDepth = 32;
  static constexpr int kMaxValues = 100'000;

  /// `text` has to outlive the document: strings without escapes are views of it, so that a picture in base64
  /// is not copied. (All of it is, where its buffer ends right behind it.)
  /// @throws Refusal 400 invalid_json, which names the member: no JSON, no UTF-8, nested deeper than
  ///         kMaxDepth, more than kMaxValues values, a number that no double can hold, an escape that is half
  ///         a character.
  explicit JsonDocument(const std::string& text);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  const JsonIn& root() const noexcept { return root_; }

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
  JsonIn root_;
};

}  // namespace moonbeam::server

// Reads a JSON object key by key: each wrong type or range names the key's full path, keys that nobody asked
// for are remembered. Knows nothing of models.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json_value.h"

namespace moonbeam::model {

/// One object of a JSON text; `json` must outlive it. Messages begin with `file` and name the key below
/// `path`: "config.json: text.dim: expected ...".
class JsonKeys {
 public:
  /// @throws Error kCorrupt if `json` is no object.
  JsonKeys(const formats::JsonValue& json, std::string file, std::string path);

  bool has(const char* key) const;      ///< present, null included
  bool is_null(const char* key) const;  ///< present and null

  // Each keeps `value` where the key is absent or null. @throws Error kCorrupt naming the key.
  void read(const char* key, int& value);
  void read(const char* key, float& value);
  void read(const char* key, bool& value);
  void read(const char* key, std::string& value);
  void read(const char* key, std::vector<int>& value);

  /// The object under `key`; none where absent or null.
  std::optional<JsonKeys> object(const char* key);
  /// Marks a key as known whose value is of no use here.
  void ignore(const char* key) { asked_.insert(key); }

  /// Paths of the keys that were not asked for.
  std::vector<std::string> unknown() const;

 private:
  const formats::JsonValue* value(const char* key);
  std::string name(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected,
                              const formats::JsonValue& got) const;
  int integer(std::string_view key, const formats::JsonValue& value) const;

  const formats::JsonObject* object_;
  std::string file_, path_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace moonbeam::model

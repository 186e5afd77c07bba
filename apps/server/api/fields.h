// The fields of a request, wherever they lie: JSON, form, form with files, raw picture, query string.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/form.h"
#include "server/api/json_in.h"
#include "server/http/message.h"

namespace moonbeam::server {

/// Reads a request once; views stay valid as long as both live. The query string wins over the body, members
/// of `settings` over the same name beside it. `null` is absent, other names of a field (obj, maxTokens, ...)
/// are known, unknown fields are ignored, and a value of the wrong type is 400 invalid_value with the
/// field's name in `param`.
class Fields {
 public:
  /// @throws Refusal 400 (JSON or form that cannot be read), 415 (another media type).
  explicit Fields(const Request& request);

  std::optional<std::string_view> string(std::string_view name) const;
  /// Not blank and at most `max_bytes` long. @throws Refusal 400 missing_field.
  std::string required_string(std::string_view name, std::size_t max_bytes) const;
  /// From forms and query strings also "1" and "0".
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  /// A count: below `min` is refused, beyond `max` is `max`.
  std::optional<int> count(std::string_view name, int min, int max) const;
  /// Any integer of 64 bits, with a sign or without.
  std::optional<std::uint64_t> seed() const;
  /// A field that is an array or an object; in forms and query strings as JSON text.
  const JsonIn* array(std::string_view name) const;

  /// A picture's bytes: a raw body, or the part `image` of a form.
  std::optional<std::string_view> upload() const noexcept { return upload_; }

 private:
  struct Found {
    std::string name;  // as it was written: "settings.maxTokens"
    const JsonIn* value;
    bool loose;  // text of a form, which may stand for anything
  };
  std::optional<Found> find(std::string_view name) const;
  void read_json(const std::string& text);
  void read_parts(const Request& request);
  void take_form(FormFields fields, JsonIn& into);
  [[noreturn]] static void fail_kind(const Found& found, const char* expected);

  JsonIn query_, body_;
  bool body_loose_ = false;
  std::optional<std::string_view> upload_;
  std::vector<std::unique_ptr<FormFields>> forms_;        // what views point into
  std::vector<std::unique_ptr<JsonDocument>> documents_;  // likewise
};

}  // namespace moonbeam::server

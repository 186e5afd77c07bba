// Fields of JSON objects by name and type, and bodies that are JSON. (Native routes also take forms: Fields.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/json_in.h"
#include "server/http/message.h"

namespace moonbeam::server {

/// What an object holds: `null` is absent, unknown members are ignored, one of the wrong type is refused with
/// 400 invalid_value under its full name ("options.seed"). A view: the document has to outlive it.
class Members {
 public:
  explicit Members(const JsonIn& object, std::string prefix = {})
      : object_(&object), prefix_(std::move(prefix)) {}

  std::string full_name(std::string_view name) const { return prefix_ + std::string(name); }

  /// Whatever it is; nullptr where it is absent.
  const JsonIn* find(std::string_view name) const noexcept;
  std::optional<std::string_view> string(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  /// A count: below `min` is refused, beyond `max` is `max`.
  std::optional<int> count(std::string_view name, int min, int max) const;
  /// Any integer of 64 bits, with a sign or without.
  std::optional<std::uint64_t> integer(std::string_view name) const;
  const JsonIn* array(std::string_view name) const;
  /// An object's members; none where it is absent.
  std::optional<Members> object(std::string_view name) const;

  /// 400 invalid_value: expected this, got what is there.
  [[noreturn]] void fail(std::string_view name, const std::string& expected) const;

 private:
  const JsonIn* object_;
  std::string prefix_;
};

/// The same for a value that has no name of its own ("messages[2]"). @throws Refusal 400.
Members members_of(const JsonIn& value, const std::string& field);

/// A value as JSON text again, members in their order.
std::string text_of_json(const JsonIn& value);

/// The body of a request, an object. `request` has to outlive it. An empty body is an empty object.
class JsonBody {
 public:
  /// @throws Refusal 400 invalid_json, 415 where it is announced as something else.
  explicit JsonBody(const Request& request);
  Members members() const { return Members(document_ ? document_->root() : empty_); }

 private:
  JsonIn empty_;
  std::optional<JsonDocument> document_;
};

}  // namespace moonbeam::server

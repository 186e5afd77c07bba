// What an answer has to look like: JSON after a schema.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moonbeam {

/// A JSON schema that was read and found possible. Cheap to copy, constant, may be shared between threads and
/// used with any model: a server makes it while it checks a request.
class ResponseSchema {
 public:
  struct Impl;

  /// @param schema  JSON text: a schema of the subset in docs/library.md. Objects get the listed properties
  ///                in the order of the text and no others; bounds on numbers and formats are not looked at.
  /// @throws Error kInvalidArgument (not JSON, not a schema, or no answer fits it), kUnsupported (a keyword,
  ///         depth or size outside the subset). The message names the place as a JSON pointer:
  ///         `schema: #/properties/age: 'pattern' is not supported`.
  static ResponseSchema parse(std::string_view schema);
  /// Any JSON object.
  static ResponseSchema json_object();

  explicit ResponseSchema(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  /// What the model is told besides the question, e.g. `"name", "age"`: names of the outermost properties;
  /// empty if there are none.
  const std::string& keys() const noexcept;
  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace moonbeam

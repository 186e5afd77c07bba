// One field of a query string.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::live {

/// The value of `session`, if it is one: 8 to 64 letters, digits and dashes; else empty. Nothing in it needs
/// to be decoded.
inline std::string session_of(std::string_view query) {
  static constexpr std::string_view kName = "session=";
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(field.size() == query.size() ? field.size() : field.size() + 1);
    if (!field.starts_with(kName)) continue;
    const std::string_view value = field.substr(kName.size());
    const bool plain =
        value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
        std::string_view::npos;
    return plain && value.size() >= 8 && value.size() <= 64 ? std::string(value) : std::string();
  }
  return {};
}

}  // namespace moonbeam::live

// Base64 (RFC 4648) and the data URIs that carry pictures.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moonbeam::server {

/// The bytes that `text` stands for; nothing where it is no base64. White space anywhere and missing '=' at
/// the end are accepted, and so is the alphabet for addresses ('-' and '_'): there is one way only to read
/// it.
std::optional<std::string> decode_base64(std::string_view text);

/// What stands in `image_url`.
struct DataUri {
  enum class Kind { kBase64, kWebAddress, kOther };
  Kind kind = Kind::kBase64;
  std::string_view payload = {};  ///< base64, or the web address, where it is that
};

/// `data:<anything>;base64,<payload>`, or base64 by itself. http and https are web addresses; other schemes,
/// and data URIs that are not base64, are kOther.
DataUri read_data_uri(std::string_view text);

}  // namespace moonbeam::server

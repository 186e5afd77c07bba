// The parts of http and https URLs that decide where credentials may go, and how URLs are written.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::net {

struct Url {
  std::string scheme, host, path;  ///< lower case; lower case; from the first '/' on, with the query
  int port = 0;
};

/// @throws Error kInvalidArgument for what is no http(s)://HOST[:PORT][/PATH], and for user names in it.
Url parse_url(const std::string& text);

/// Whether both go to one server by one protocol.
bool same_origin(const Url& a, const Url& b);

/// 127.0.0.0/8, ::1 and localhost.
bool is_loopback(const Url& url);

/// Where a Location header of an answer from `from` leads. @throws Error as parse_url().
std::string resolve_reference(const std::string& from, const std::string& location);

/// Everything but letters, digits and -._~ as %XX; `keep` stays too.
std::string escape(std::string_view text, std::string_view keep = "");

/// For messages: without a query, which may hold a signature.
std::string printable_url(std::string_view url);

}  // namespace moonbeam::net

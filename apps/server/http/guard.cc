// Keys are compared as digests, all of them each time; hosts keep pages of other sites from reaching us under
// a name of theirs (DNS rebinding), origins keep them from asking at all.
#include "server/http/guard.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "server/http/listen.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

namespace {

/// "example.org:80", "[::1]:2020", "::1" -> the host alone.
std::string_view host_alone(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(':') != colon) return host;
  return host.substr(0, colon);
}

int base64url_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/// Nothing where it is no base64url; padding is not expected.
std::optional<std::string> decode_base64url(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = base64url_value(c);
    if (value < 0) return {};
    buffer = (buffer << 6 | static_cast<unsigned>(value)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(buffer >> bits & 0xff);
    }
  }
  return bytes;
}

/// Keys that the request brought, empty ones left out.
std::vector<std::string> keys_of(const Headers& headers) {
  std::vector<std::string> keys;
  if (const std::string* own = headers.find("X-Moondream-Auth")) keys.emplace_back(trim(*own));
  if (const std::string* bearer = headers.find("Authorization")) {
    const std::string_view value = trim(*bearer);
    if (same_name(value.substr(0, 7), "bearer ")) keys.emplace_back(trim(value.substr(7)));
  }
  if (const std::string* offered = headers.find("Sec-WebSocket-Protocol")) {
    for (const std::string_view one : list_items(*offered))
      if (one.starts_with("key.")) keys.push_back(decode_base64url(one.substr(4)).value_or("?"));
  }
  std::erase(keys, "");
  return keys;
}

const Key* find_key(const std::vector<Key>& keys, std::string_view secret) {
  const std::string digest = make_key({}, secret).digest;
  const Key* found = nullptr;
  for (const Key& key : keys) {
    if (CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0) found = &key;
  }
  return found;
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return one == "*" || same_name(one, name); });
}

struct NamedSecret {
  std::string name, secret;
};

std::vector<NamedSecret> read_secrets(const std::string& path) {
  const std::string text = base::read_file(path, 1 << 20);
  std::vector<NamedSecret> all;
  std::string_view rest = text;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    const bool named = colon != std::string_view::npos;
    const std::string_view secret = named ? trim(line.substr(colon + 1)) : line;
    if (secret.empty() || colon == 0)
      base::fail(ErrorCode::kInvalidArgument, path, ": line ", number, ": expected name:key or key");
    all.push_back({named ? std::string(trim(line.substr(0, colon))) : "key" + std::to_string(number),
                   std::string(secret)});
  }
  return all;
}

}  // namespace

Key make_key(std::string name, std::string_view secret) {
  return {std::move(name), base::sha256_hex(std::as_bytes(std::span(secret.data(), secret.size())))};
}

std::vector<Key> read_key_file(const std::string& path) {
  std::vector<Key> keys;
  for (const NamedSecret& one : read_secrets(path)) keys.push_back(make_key(one.name, one.secret));
  return keys;
}

std::string first_key_in_file(const std::string& path) {
  const std::vector<NamedSecret> all = read_secrets(path);
  return all.empty() ? std::string() : all.front().secret;
}

Guard::Guard(GuardOptions options, std::vector<Key> keys)
    : options_(std::move(options)), keys_(std::make_shared<const std::vector<Key>>(std::move(keys))) {}

void Guard::set_keys(std::vector<Key> keys) {
  auto fresh = std::make_shared<const std::vector<Key>>(std::move(keys));
  const std::lock_guard lock(mutex_);
  keys_ = std::move(fresh);
}

bool Guard::has_keys() const {
  const std::lock_guard lock(mutex_);
  return !keys_->empty();
}

Admission Guard::admit(const Request& request, std::string_view local_address,
                       const std::vector<std::string>& hosts, bool websocket) const {
  const std::string* host = request.headers.find("Host");
  if (host != nullptr) {  // HTTP/1.0 may go without; browsers never do
    const std::string_view name = host_alone(*host);
    if (!is_loopback(name) && name != local_address && !lists(hosts, name) &&
        !lists(options_.allowed_hosts, name) && !lists(options_.allowed_hosts, *host)) {
      throw Refusal(403, "host_not_allowed",
                    "the Host header names neither this address nor a host given with --allowed-host");
    }
  }
  Admission admission;
  const std::string* origin = request.headers.find("Origin");
  if (origin == nullptr) return admission;
  const std::size_t scheme = origin->find("://");
  const bool same = host != nullptr && scheme != std::string::npos &&
                    same_name(std::string_view(*origin).substr(scheme + 3), *host);
  const bool listed = lists(options_.cors_origins, *origin);
  const bool changes = request.method != "GET" && request.method != "HEAD";
  if (!same && !listed && (changes || websocket)) {
    throw Refusal(
        403, "origin_not_allowed",
        "pages of another origin may not ask; --cors-origin on the server's command line lets them");
  }
  const std::string* wanted = request.headers.find("Access-Control-Request-Method");
  admission.preflight = request.method == "OPTIONS" && wanted != nullptr;
  if (!listed) return admission;
  const bool any = std::find(options_.cors_origins.begin(), options_.cors_origins.end(), "*") !=
                   options_.cors_origins.end();
  admission.headers.add("Access-Control-Allow-Origin", any ? "*" : *origin);
  if (!any) admission.headers.add("Vary", "Origin");
  admission.headers.add("Access-Control-Expose-Headers", "X-Request-Id");
  if (admission.preflight) {
    admission.headers.add("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    if (const std::string* names = request.headers.find("Access-Control-Request-Headers"))
      admission.headers.add("Access-Control-Allow-Headers", *names);
    admission.headers.add("Access-Control-Max-Age", "600");
  }
  return admission;
}

void Guard::authenticate(Request& request, bool open) const {
  std::shared_ptr<const std::vector<Key>> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  request.client = request.address;
  if (keys->empty()) return;
  const std::vector<std::string> brought = keys_of(request.headers);
  for (const std::string& secret : brought) {
    if (const Key* key = find_key(*keys, secret)) {
      request.key_name = key->name;
      request.client = key->name;
      return;
    }
  }
  if (open) return;
  if (brought.empty()) {
    throw Refusal(401, "missing_api_key",
                  "expected a key in the header Authorization: Bearer KEY or X-Moondream-Auth: KEY");
  }
  throw Refusal(401, "invalid_api_key", "this key is not known here");
}

void Guard::spend(const std::string& client, Clock::time_point now) {
  if (options_.rate <= 0) return;
  const double burst = std::max(1.0, options_.rate);
  constexpr std::size_t kMany = 10'000;
  if (buckets_.size() > kMany) {  // full buckets say nothing
    std::erase_if(buckets_, [&](const auto& entry) {
      const double passed = std::chrono::duration<double>(now - entry.second.filled).count();
      return entry.second.tokens + passed * options_.rate >= burst;
    });
  }
  Bucket& bucket = buckets_.try_emplace(client, Bucket{burst, now}).first->second;
  const double passed = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(burst, bucket.tokens + passed * options_.rate);
  bucket.filled = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return;
  }
  Refusal refusal(429, "rate_limited", "more requests than --rate allows");
  refusal.retry_after_s = static_cast<int>(std::min(3600.0, std::ceil((1 - bucket.tokens) / options_.rate)));
  throw refusal;
}

}  // namespace moonbeam::server

// libcurl's easy interface. Exceptions do not pass through C: callbacks keep them, perform() throws them.
#include "net/http.h"

#include <curl/curl.h>
#include <moonbeam/version.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <fstream>
#include <mutex>

#include "base/error.h"
#include "net/url.h"

namespace moonbeam::net {

namespace {

/// Set up once a process, before the first handle: not safe between threads.
void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// What one perform() is about.
struct Call {
  const Handlers& handlers;
  Head head = {};
  std::exception_ptr failure = {};
  bool cancelled = false;

  template <typename Work>
  bool guarded(Work work) noexcept {
    try {
      work();
      return true;
    } catch (...) {
      failure = std::current_exception();
      return false;
    }
  }

  void header_line(std::string_view line) {
    if (line.starts_with("HTTP/")) {
      head = {};
      const std::size_t space = line.find(' ');
      if (space != std::string_view::npos) {
        std::from_chars(line.data() + space + 1, line.data() + line.size(), head.status);
      }
      return;
    }
    line = trimmed(line);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      head.headers[lower(line.substr(0, colon))] = std::string(trimmed(line.substr(colon + 1)));
    } else if (line.empty() && head.status >= 200 && handlers.on_head) {  // 1xx come before the answer
      handlers.on_head(head);
    }
  }
};

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  Call& call = *static_cast<Call*>(user);
  return call.guarded([&] { call.header_line({data, size}); }) ? size : 0;
}

std::size_t take_data(char* data, std::size_t, std::size_t size, void* user) {
  Call& call = *static_cast<Call*>(user);
  const bool good = call.guarded([&] {
    if (call.handlers.on_data) call.handlers.on_data({data, size});
  });
  return good ? size : size + 1;  // any other number than `size` ends the transfer
}

int ask_to_carry_on(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Call& call = *static_cast<Call*>(user);
  const bool good =
      call.guarded([&] { call.cancelled = call.handlers.carry_on != nullptr && !call.handlers.carry_on(); });
  return good && !call.cancelled ? 0 : 1;
}

}  // namespace

std::string Head::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

struct HttpClient::Curl {
  Curl() = default;
  ~Curl() { curl_easy_cleanup(handle); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  CURL* handle = nullptr;
  char problem[CURL_ERROR_SIZE] = {};

  /// Of the last connection's certificate. It may fail for other reasons: its time, its names.
  bool has_unknown_issuer() const {
    long result = 0;
    curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &result);
    constexpr long kSelfSigned = 18, kSelfSignedInChain = 19, kNoIssuer = 20,
                   kNoIssuerOfFirst = 21;  // X509_V_ERR_
    return result == kSelfSigned || result == kSelfSignedInChain || result == kNoIssuer ||
           result == kNoIssuerOfFirst;
  }
  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle, option, value) != CURLE_OK) {
      base::fail(ErrorCode::kUnsupported, "this libcurl knows no option ", static_cast<int>(option));
    }
  }
};

HttpClient::HttpClient(const Timeouts& timeouts, const std::string& ca_file)
    : curl_(std::make_unique<Curl>()) {
  start_curl();
  curl_->handle = curl_easy_init();
  if (curl_->handle == nullptr) base::fail(ErrorCode::kExhausted, "libcurl gives no handle");
  curl_->set(CURLOPT_NOSIGNAL, 1L);
  curl_->set(CURLOPT_PROTOCOLS_STR, "http,https");
  curl_->set(CURLOPT_FOLLOWLOCATION, 0L);
  curl_->set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_->set(CURLOPT_ERRORBUFFER, curl_->problem);
  curl_->set(CURLOPT_USERAGENT, ("moonbeam/" + std::string(version())).c_str());
  curl_->set(CURLOPT_HEADERFUNCTION, take_header);
  curl_->set(CURLOPT_WRITEFUNCTION, take_data);
  curl_->set(CURLOPT_XFERINFOFUNCTION, ask_to_carry_on);
  curl_->set(CURLOPT_NOPROGRESS, 0L);
  curl_->set(CURLOPT_TCP_KEEPALIVE, 1L);
  curl_->set(CURLOPT_BUFFERSIZE, 256L << 10);
  curl_->set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeouts.connect_ms));
  curl_->set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeouts.whole_ms));
  curl_->set(CURLOPT_LOW_SPEED_LIMIT, timeouts.stall_s > 0 ? 1L : 0L);
  curl_->set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(timeouts.stall_s));
  if (ca_file.empty()) return;
  if (!std::ifstream(ca_file)) base::fail(ErrorCode::kNotFound, base::printable(ca_file), ": cannot be read");
  curl_->set(CURLOPT_CAINFO, ca_file.c_str());
  curl_->set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

HttpClient::~HttpClient() = default;

Head HttpClient::perform(const Request& request, const Handlers& handlers) {
  Call call{handlers};
  curl_slist* list = nullptr;
  const auto add = [&](const char* header) {
    curl_slist* longer = curl_slist_append(list, header);
    if (longer == nullptr) {
      curl_slist_free_all(list);
      throw std::bad_alloc();
    }
    list = longer;
  };
  for (const std::string& header : request.headers) add(header.c_str());
  add("Expect:");  // no second round trip before a body
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(list, curl_slist_free_all);
  const bool posts = request.method == "POST";
  curl_->set(CURLOPT_URL, request.url.c_str());
  curl_->set(CURLOPT_HTTPHEADER, list);
  curl_->set(CURLOPT_HTTPGET, 1L);  // forgets the last request's body
  if (posts) {
    curl_->set(CURLOPT_POST, 1L);
    curl_->set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_->set(CURLOPT_POSTFIELDS, request.body.data() == nullptr ? "" : request.body.data());
  }
  curl_->set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  for (const CURLoption option : {CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_XFERINFODATA}) {
    curl_->set(option, static_cast<void*>(&call));
  }
  curl_->problem[0] = '\0';
  const CURLcode code = curl_easy_perform(curl_->handle);
  if (call.failure) std::rethrow_exception(call.failure);
  if (call.cancelled) throw Error(ErrorCode::kCancelled, "interrupted");
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK) {
    const std::string_view problem = curl_->problem[0] != '\0' ? curl_->problem : curl_easy_strerror(code);
    const std::string message = base::cat(printable_url(request.url), ": ", base::printable(problem));
    if (code == CURLE_PEER_FAILED_VERIFICATION && curl_->has_unknown_issuer())
      throw CertificateError(message);
    throw NetworkError(message);
  }
  return std::move(call.head);
}

Head HttpClient::perform(const Request& request, std::string& body, std::size_t limit,
                         const std::function<bool()>& carry_on) {
  body.clear();
  const auto take = [&](std::string_view piece) {
    if (piece.size() > limit - body.size()) {
      base::fail(ErrorCode::kExhausted, printable_url(request.url), ": an answer of more than ",
                 base::format_bytes(static_cast<std::int64_t>(limit)));
    }
    body += piece;
  };
  return perform(request, {.on_data = take, .carry_on = carry_on});
}

int retry_after_s(const Head& head) {
  const std::string text = head.header("retry-after");
  int seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? std::max(seconds, 0) : 0;
}

}  // namespace moonbeam::net

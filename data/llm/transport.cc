#include "data/llm/transport.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/machine.h"

namespace moonbeam::llm {

namespace {

constexpr std::size_t kMaxHeaders = std::size_t{64} << 10;
constexpr std::size_t kIdleHandles = 2048;

struct Transfer {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  HttpRequest request;
  HttpResponse response;
  HttpDone done;
  std::size_t header_bytes = 0;
  int requests = 0;
  double start_ms = 0;
  std::array<char, CURL_ERROR_SIZE> error{};
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer.response.body.size() + bytes > transfer.request.max_body) {
    transfer.response.failure = HttpFailure::kTooLarge;
    return 0;
  }
  transfer.response.body.append(data, bytes);
  return bytes;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if ((transfer.header_bytes += bytes) > kMaxHeaders) {
    transfer.response.failure = HttpFailure::kTooLarge;
    return 0;
  }
  constexpr std::string_view kRetryAfter = "retry-after:";
  const std::string_view line(data, bytes);
  const bool same = line.size() > kRetryAfter.size() &&
                    std::equal(kRetryAfter.begin(), kRetryAfter.end(), line.begin(),
                               [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  if (same) {
    std::string_view value = line.substr(kRetryAfter.size());
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    transfer.response.retry_after = value;
  }
  return bytes;
}

/// libcurl sends a request again by itself when a connection that it had kept breaks before the first byte of
/// the answer. Such a try would not be counted, waited for or paid: the second time is refused.
int on_request(void* user, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(user);
  return transfer.requests++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

HttpFailure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpFailure::kNone;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFailure::kTimeout;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return HttpFailure::kConnect;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_URL_MALFORMAT:
      return HttpFailure::kNotHttp;
    default:
      return HttpFailure::kBroken;
  }
}

/// A proxy is never what a server on this machine is behind.
bool is_loopback(std::string_view url) {
  const std::size_t host = url.find("://");
  if (host == std::string_view::npos) return false;
  url.remove_prefix(host + 3);
  return url.starts_with("127.") || url.starts_with("localhost") || url.starts_with("[::1]");
}

void init_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct Transport::State {
  CURLM* multi = nullptr;
  int epoll = -1, event = -1;
  double timer_ms = -1;  // when libcurl wants to be called; -1: not
  std::unordered_set<Transfer*> transfers;
  std::vector<CURL*> idle;

  explicit State(int most_connections) {
    init_once();
    multi = curl_multi_init();
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (multi == nullptr || epoll < 0 || event < 0) {
      const int error = errno;
      close_all();
      base::fail_system("HTTP client", "no room for connections", error);
    }
    watch(event, EPOLLIN, EPOLL_CTL_ADD);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(most_connections));
  }

  ~State() {
    abort_all();
    for (CURL* easy : idle) curl_easy_cleanup(easy);
    close_all();
  }

  void abort_all() noexcept {
    for (Transfer* transfer : transfers) {
      curl_multi_remove_handle(multi, transfer->easy);
      curl_easy_cleanup(transfer->easy);
      curl_slist_free_all(transfer->headers);
      delete transfer;
    }
    transfers.clear();
  }

  void close_all() {
    if (multi != nullptr) curl_multi_cleanup(multi);
    if (event >= 0) ::close(event);
    if (epoll >= 0) ::close(epoll);
  }

  void watch(int fd, std::uint32_t events, int operation) const {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.fd = fd;
    ::epoll_ctl(epoll, operation, fd, &wanted);
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* user, void* known) {
    auto& state = *static_cast<State*>(user);
    if (what == CURL_POLL_REMOVE) {
      state.watch(fd, 0, EPOLL_CTL_DEL);
      return 0;
    }
    const std::uint32_t events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    state.watch(fd, events, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    if (known == nullptr) curl_multi_assign(state.multi, fd, &state);
    return 0;
  }

  static int on_timer(CURLM*, long ms, void* user) {
    auto& state = *static_cast<State*>(user);
    state.timer_ms = ms < 0 ? -1 : base::now_ms() + static_cast<double>(ms);
    return 0;
  }

  CURL* easy_handle() {
    if (idle.empty()) return curl_easy_init();
    CURL* easy = idle.back();
    idle.pop_back();
    return easy;
  }

  void set_up(Transfer& transfer) {
    CURL* easy = transfer.easy;
    const HttpRequest& request = transfer.request;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // A redirect would carry the key to wherever it points.
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(1.0, request.timeout_ms)));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::max(1.0, request.connect_timeout_ms)));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
    if (is_loopback(request.url)) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (!request.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
      transfer.headers = curl_slist_append(transfer.headers, "Content-Type: application/json");
      transfer.headers = curl_slist_append(transfer.headers, "Expect:");  // no round trip for long bodies
    }
    transfer.headers = curl_slist_append(transfer.headers, "Accept: application/json");
    transfer.headers = curl_slist_append(transfer.headers, "User-Agent: moonbeam");
    if (!request.key.empty()) {
      transfer.headers =
          curl_slist_append(transfer.headers, ("Authorization: Bearer " + request.key).c_str());
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  }

  /// Takes what has ended out of the multi handle, then calls; a call may start the next.
  void collect() {
    std::vector<std::unique_ptr<Transfer>> ended;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* user = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
      std::unique_ptr<Transfer> transfer(reinterpret_cast<Transfer*>(user));
      finish(*transfer, code);
      transfers.erase(transfer.get());
      ended.push_back(std::move(transfer));
    }
    for (const auto& transfer : ended) transfer->done(std::move(transfer->response));
  }

  void finish(Transfer& transfer, CURLcode code) {
    HttpResponse& response = transfer.response;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
    response.ms = base::now_ms() - transfer.start_ms;
    if (response.failure == HttpFailure::kNone) response.failure = failure_of(code);
    if (response.failure == HttpFailure::kTooLarge) {
      response.error = "the answer is larger than allowed";
    } else if (transfer.requests > 1) {
      response.error = "the connection broke before an answer came";
    } else if (code != CURLE_OK) {
      response.error = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(code);
    }
    curl_multi_remove_handle(multi, transfer.easy);
    curl_slist_free_all(transfer.headers);
    curl_easy_reset(transfer.easy);
    if (idle.size() < kIdleHandles) {
      idle.push_back(transfer.easy);
    } else {
      curl_easy_cleanup(transfer.easy);
    }
  }
};

Transport::Transport(int most_connections) : state_(std::make_unique<State>(most_connections)) {}
Transport::~Transport() = default;

int Transport::in_flight() const noexcept {
  return static_cast<int>(state_->transfers.size());
}

void Transport::abort_all() noexcept {
  state_->abort_all();
}

void Transport::start(HttpRequest request, HttpDone done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  transfer->start_ms = base::now_ms();
  transfer->easy = state_->easy_handle();
  if (transfer->easy == nullptr) base::fail(ErrorCode::kExhausted, "HTTP client: no memory for a request");
  state_->set_up(*transfer);
  curl_multi_add_handle(state_->multi, transfer->easy);
  state_->transfers.insert(transfer.release());
}

void Transport::poll(double most_ms) {
  State& state = *state_;
  double wait = most_ms;
  if (state.timer_ms >= 0) wait = std::min(wait, state.timer_ms - base::now_ms());
  std::array<epoll_event, 256> events{};
  const int timeout = static_cast<int>(std::ceil(std::clamp(wait, 0.0, 60'000.0)));
  const int ready = ::epoll_wait(state.epoll, events.data(), static_cast<int>(events.size()), timeout);
  int running = 0;
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == state.event) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(state.event, &count, sizeof count);
      continue;
    }
    const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(state.multi, event.data.fd, what, &running);
  }
  if (state.timer_ms >= 0 && base::now_ms() >= state.timer_ms) {
    state.timer_ms = -1;
    curl_multi_socket_action(state.multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  state.collect();
}

void Transport::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->event, &one, sizeof one);
}

int raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit more = limit;
    more.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
    if (more.rlim_cur > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
  }
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1'000'000));
}

}  // namespace moonbeam::llm

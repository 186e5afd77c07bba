#include "cli/remote/client.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <thread>

#include "base/sha256.h"
#include "cli/remote/wire.h"
#include "cli/text.h"
#include "net/json.h"
#include "net/sse.h"
#include "net/url.h"

namespace moonbeam::cli {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxAnswer = std::size_t{16} << 20;  // bytes
constexpr int kMaxWaitMs = 60'000;

/// Without the slashes and the /v1 that users of other clients write.
std::string base_of(std::string url) {
  net::parse_url(url);
  const auto cut = [&] {
    while (url.ends_with('/')) url.pop_back();
  };
  cut();
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  cut();
  return url;
}

/// Whoever takes the text wants no more of it.
struct Stopped {};

std::string digest_of(const std::string& bytes) {
  return base::sha256_hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

}  // namespace

struct RemoteClient::Exchange {
  std::string url, body;
  std::string_view content;  // the body or the picture
  std::vector<std::string> headers;
  bool stream = false;
};

RemoteClient::RemoteClient(RemoteOptions options, std::function<bool()> carry_on)
    : options_(std::move(options)),
      carry_on_(std::move(carry_on)),
      http_({.stall_s = 0, .whole_ms = options_.whole_ms}, options_.ca_file) {
  options_.url = base_of(options_.url);
}

Abilities RemoteClient::abilities() {
  return {.model = options_.model};
}

Answer RemoteClient::ask(const std::string& picture, const Ask& ask) {
  Exchange exchange;
  exchange.stream = ask.on_text != nullptr && (ask.task == Task::kCaption || ask.task == Task::kQuery);
  exchange.url = options_.url + route_of(ask.task);
  // A picture as it is saves a third of the bytes, but the server turns it by its EXIF data then.
  const bool raw = !picture.empty() && ask.orientation;
  if (raw) {
    exchange.url += query_string(ask, options_.model, exchange.stream);
    exchange.content = picture;
    exchange.headers.push_back("Content-Type: " + media_type(picture));
  } else {
    exchange.body = json_body(ask, options_.model, exchange.stream, picture);
    exchange.content = exchange.body;
    exchange.headers.emplace_back("Content-Type: application/json");
  }
  if (!picture.empty()) exchange.headers.push_back(kDigestHeader + (": " + digest_of(picture)));
  if (!options_.key.empty()) exchange.headers.push_back("X-Moondream-Auth: " + options_.key);
  Answer answer;
  answer.prompt = ask.prompt;
  warnings_.clear();
  post(exchange, ask, answer);
  if (ask.clamp) {
    for (Box& box : answer.boxes) box = clamp(box);
    for (Point& point : answer.points) point = clamp(point);
  }
  return answer;
}

void RemoteClient::post(const Exchange& exchange, const Ask& ask, Answer& answer) {
  std::string body;
  for (int tried = 1;; ++tried) {
    const net::Head head = attempt(exchange, ask, answer, body);
    if (head.status == 200) {
      if (exchange.stream) return;
      const json object = net::parse_json<json>(body);
      if (!error_words(object).empty()) fail_answer(exchange.url, head, body);
      return read_answer(object, ask, true, answer, warnings_);
    }
    const bool busy = head.status == 429 || head.status == 503;
    if (!busy || tried >= options_.attempts) fail_answer(exchange.url, head, body);
    const int wait_ms =
        std::max(std::min(net::retry_after_s(head) * 1000, kMaxWaitMs), options_.backoff_ms << (tried - 1));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
    while (std::chrono::steady_clock::now() < end) {
      if (carry_on_ && !carry_on_()) throw Error(ErrorCode::kCancelled, "interrupted");
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wait_ms, 20)));
    }
  }
}

net::Head RemoteClient::attempt(const Exchange& exchange, const Ask& ask, Answer& answer, std::string& body) {
  body.clear();
  bool good = false, completed = false;
  net::SseReader events([&](const std::string& data) {
    const json event = net::parse_json<json>(data);
    if (event.is_discarded()) return;  // "[ERROR] ...": the event before said it
    if (const std::string words = error_words(event); !words.empty()) {
      throw net::NetworkError(net::printable_url(exchange.url) + ": the answer broke off: " + words);
    }
    if (!event.is_object()) return;
    if (const auto chunk = event.find("chunk"); chunk != event.end() && chunk->is_string()) {
      const std::string piece = chunk->get<std::string>();
      answer.text += piece;
      if (!piece.empty() && !ask.on_text(piece)) throw Stopped();
    }
    const bool last = event.value("completed", json()) == true;
    if (last || event.contains("reasoning")) read_answer(event, ask, false, answer, warnings_);
    completed = completed || last;
  });
  net::Handlers handlers;
  handlers.carry_on = [&] {
    const bool wanted = !ask.progress || ask.progress({Progress::Stage::kDecode, 0, 0});
    return wanted && (!carry_on_ || carry_on_());
  };
  handlers.on_head = [&](const net::Head& head) {
    good =
        exchange.stream && head.status == 200 && head.header("content-type").starts_with("text/event-stream");
  };
  handlers.on_data = [&](std::string_view piece) {
    if (good) return events.feed(piece);
    if (body.size() + piece.size() > kMaxAnswer) {
      throw net::NetworkError(net::printable_url(exchange.url) + ": an answer of more than 16 MB");
    }
    body += piece;
  };
  net::Head head;
  try {
    head = http_.perform(
        {.method = "POST", .url = exchange.url, .headers = exchange.headers, .body = exchange.content},
        handlers);
  } catch (const Stopped&) {
    answer.finish = Finish::kStopped;
    head.status = 200;
    return head;
  } catch (const net::CertificateError& error) {
    if (!options_.ca_file.empty()) throw;
    throw net::NetworkError(std::string(error.what()) + "; --cacert FILE names a certificate to trust");
  }
  if (exchange.stream && head.status == 200 && !completed) {
    throw net::NetworkError(net::printable_url(exchange.url) + ": the answer broke off");
  }
  return head;
}

}  // namespace moonbeam::cli

#include "server/api/ollama/answer.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "server/api/ollama/names.h"
#include "server/api/piece_stream.h"

namespace moonbeam::server {

namespace {

using ExchangePtr = std::shared_ptr<Exchange>;

/// At least 1: callers divide by it.
std::int64_t nanoseconds(double ms) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(ms * 1e6));
}

/// What the lines of an answer have in common.
struct Lines {
  OllamaForm form;
  std::string model;
  std::vector<std::string> warnings;

  JsonOut line(std::string_view text, std::string_view thinking = {}) const {
    JsonOut out = {{"model", model}, {"created_at", utc_text(std::chrono::system_clock::now())}};
    if (form == OllamaForm::kChat) {
      out["message"] = {{"role", "assistant"}, {"content", text}};
      if (!thinking.empty()) out["message"]["thinking"] = thinking;
    } else {
      out["response"] = text;
      if (!thinking.empty()) out["thinking"] = thinking;
    }
    out["done"] = false;
    return out;
  }

  void end(JsonOut& line, const Request& request, const Account& account) const {
    const auto total = std::chrono::steady_clock::now() - request.received;
    line["done"] = true;
    line["done_reason"] = account.finish;
    line["total_duration"] = std::chrono::duration_cast<std::chrono::nanoseconds>(total).count();
    line["load_duration"] = 0;
    line["prompt_eval_count"] = account.prompt_tokens;
    line["prompt_eval_duration"] = nanoseconds(account.encode_ms + account.prefill_ms);
    line["eval_count"] = account.output_tokens;
    line["eval_duration"] = nanoseconds(account.decode_ms);
    if (!warnings.empty()) line["warnings"] = warnings;
  }
};

std::string line_text(const JsonOut& line) {
  return json_text(line) + "\n";
}

Response stream_head() {
  Response out{.content_type = "application/x-ndjson"};
  out.headers.add("Cache-Control", "no-cache");
  out.headers.add("X-Accel-Buffering", "no");
  return out;
}

/// Nothing else may stand between lines: clients read each of them as JSON. So there is no ping.
class LineStream : public PieceStream {
 public:
  explicit LineStream(ExchangePtr exchange) : PieceStream(std::move(exchange), stream_head(), "") {}
  void fail(const Refusal& refusal) { fail_with(refusal, {line_text({{"error", refusal.what()}})}); }
};

void answer_loading(const ExchangePtr& exchange, const Lines& lines, bool unload, bool stream) {
  JsonOut out = lines.line("");
  out["done"] = true;
  out["done_reason"] = unload ? "unload" : "load";
  exchange->send(
      {.content_type = stream ? "application/x-ndjson" : "application/json", .body = line_text(out)});
}

void answer_whole(Service& service, const ExchangePtr& exchange, Lines lines, Asked asked) {
  ask(service, exchange, std::move(asked), [exchange, lines = std::move(lines)](const Answered& answered) {
    const Request& request = exchange->request();
    if (answered.refusal) return exchange->send(error_response(*answered.refusal, request.path));
    const Reasoning* thoughts = reasoning_of(answered.outcome.result);
    JsonOut out = lines.line(content_of(answered.outcome.result), thoughts == nullptr ? "" : thoughts->text);
    lines.end(out, request, answered.account);
    exchange->send({.body = json_text(out)});
  });
}

void answer_in_lines(Service& service, const ExchangePtr& exchange, Lines of, Asked asked) {
  auto stream = std::make_shared<LineStream>(exchange);
  auto lines = std::make_shared<const Lines>(std::move(of));
  set_callbacks(
      asked.task,
      [stream, lines](std::string_view text) {
        stream->send_piece(line_text(lines->line(text)));
        return true;
      },
      [stream, lines](std::string_view thought) {
        stream->send_piece(line_text(lines->line("", thought)));
        return true;
      });
  // Whoever is refused here gets a plain answer: nothing was begun.
  ask(service, exchange, std::move(asked), [exchange, stream, lines](const Answered& answered) {
    if (answered.refusal) return stream->fail(*answered.refusal);
    if (!is_text(answered.outcome.result))
      stream->send_piece(line_text(lines->line(content_of(answered.outcome.result))));
    JsonOut last = lines->line("");
    lines->end(last, exchange->request(), answered.account);
    stream->send_piece(line_text(last));
    stream->finish();
  });
  stream->begin();
}

}  // namespace

void answer_ollama(Service& service, const ExchangePtr& exchange, OllamaForm form, OllamaRequest wanted) {
  Lines lines{form, std::move(wanted.model), std::move(wanted.warnings)};
  if (wanted.unload) return answer_loading(exchange, lines, *wanted.unload, wanted.stream);
  if (wanted.stream) return answer_in_lines(service, exchange, std::move(lines), std::move(wanted.asked));
  answer_whole(service, exchange, std::move(lines), std::move(wanted.asked));
}

}  // namespace moonbeam::server

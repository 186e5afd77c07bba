#include "data/llm/batch.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "data/llm/answer.h"
#include "data/llm/backoff.h"
#include "data/llm/cache.h"
#include "data/llm/endpoint.h"
#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

/// What a row of FILE.calls.jsonl says of a call.
struct Known {
  Call call;
  RequestId id;
  bool seen = false;
};

std::string custom_id(const Call& call, const RequestId& id) {
  return (call.id.empty() ? std::string("call") : call.id) + "/" + id.hex();
}

std::unordered_map<std::string, Known> read_calls(const std::string& path) {
  std::unordered_map<std::string, Known> out;
  std::ifstream in(path, std::ios::binary);
  if (!in) base::fail(ErrorCode::kNotFound, path, ": cannot be opened");
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    try {
      const OrderedJson row = OrderedJson::parse(line);
      Known known;
      known.call.id = row.at("call").get<std::string>();
      known.call.image = row.at("image").get<std::string>();
      known.call.stage = row.at("stage").get<std::string>();
      known.call.model = row.at("model").get<std::string>();
      known.call.kind = row.at("kind") == "chat" ? CallKind::kChat : CallKind::kEmbeddings;
      known.call.schema = row.at("schema");
      known.call.inputs.resize(row.at("inputs").get<std::size_t>());
      const std::optional<RequestId> id = RequestId::parse(row.at("request").get<std::string>());
      if (!id) throw std::invalid_argument("request");
      known.id = *id;
      out.emplace(row.at("custom_id").get<std::string>(), std::move(known));
    } catch (const std::exception&) {
      base::fail(ErrorCode::kCorrupt, path, ":", number, ": no row of a batch");
    }
  }
  return out;
}

/// What a row of the results says; none where it should be asked again.
std::optional<Result> judge(const Json& row, const Call& call) {
  const Json response = row.value("response", Json());
  if (!response.is_object()) return std::nullopt;
  const int status = response.value("status_code", 200);
  const Json body = response.value("body", Json());
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  Result result;
  result.http_status = status;
  if (rule_of(status) == StatusRule::kReject) {
    result.outcome = is_context_overflow(status, text) ? Outcome::kTooLong : Outcome::kRejected;
    result.message = error_words(text);
    return result;
  }
  if (rule_of(status) != StatusRule::kAnswer) return std::nullopt;
  Answer answer = read_answer(text, call);
  // A second attempt is made by the client, not by another batch.
  if (is_worth_another(answer.outcome)) return std::nullopt;
  result.outcome = answer.outcome;
  result.text = std::move(answer.text);
  result.value = std::move(answer.value);
  result.embeddings = std::move(answer.embeddings);
  result.message = std::move(answer.message);
  result.served = std::move(answer.served);
  result.usage = answer.usage;
  result.mended = answer.mended;
  result.attempts = 1;
  return result;
}

}  // namespace

struct BatchWriter::State {
  BatchOptions options;
  std::optional<base::AtomicFile> rows, calls;
  std::unordered_set<RequestId, RequestIdHash> seen;
  std::int64_t in_file = 0, total = 0;
  int files = 0;

  std::string name(int number, const char* suffix) const {
    const std::string digits = std::to_string(100'000 + number).substr(1);
    return options.folder + "/" + options.prefix + "-" + digits + suffix;
  }
  void open() {
    // Files of earlier runs stay.
    while (std::filesystem::exists(name(files, ".jsonl"))) ++files;
    rows.emplace(name(files, ".jsonl"));
    calls.emplace(name(files, ".calls.jsonl"));
    in_file = 0;
  }
  void close() {
    if (!rows) return;
    calls->commit();  // first: rows without it could not be read back
    rows->commit();
    calls.reset(), rows.reset();
    ++files;
  }
};

BatchWriter::BatchWriter(BatchOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  std::error_code error;
  std::filesystem::create_directories(state_->options.folder, error);
}

BatchWriter::~BatchWriter() = default;

void BatchWriter::add(const Call& call, const RequestId& id) {
  State& state = *state_;
  if (!state.seen.insert(id).second) return;
  const BatchOptions& options = state.options;
  const bool chat = call.kind == CallKind::kChat;
  const std::string body = body_of(
      call, call.sampling,
      {options.dialect, options.model.empty() ? call.model : options.model, options.completion_tokens});
  const std::string name = custom_id(call, id);
  const std::string row = "{\"custom_id\":" + Json(name).dump() + ",\"method\":\"POST\",\"url\":\"" +
                          (chat ? "/v1/chat/completions" : "/v1/embeddings") + "\",\"body\":" + body + "}\n";
  if (state.rows && static_cast<std::int64_t>(state.rows->position() + row.size()) > options.max_bytes) {
    state.close();
  }
  if (!state.rows) state.open();
  state.rows->write(row);
  state.calls->write(OrderedJson({{"custom_id", name},
                                  {"request", id.hex()},
                                  {"call", call.id},
                                  {"image", call.image},
                                  {"stage", call.stage},
                                  {"model", call.model},
                                  {"kind", chat ? "chat" : "embeddings"},
                                  {"inputs", call.inputs.size()},
                                  {"schema", call.schema}})
                         .dump() +
                     "\n");
  ++state.total;
  if (++state.in_file >= options.max_rows) state.close();
}

void BatchWriter::finish() {
  state_->close();
}

std::int64_t BatchWriter::rows() const noexcept {
  return state_->total;
}

int BatchWriter::files() const noexcept {
  return state_->files;
}

BatchCounts read_batch(const std::string& results, const std::string& calls, Cache& cache, Ledger* ledger,
                       const Prices& prices) {
  std::unordered_map<std::string, Known> known = read_calls(calls);
  std::ifstream in(results, std::ios::binary);
  if (!in) base::fail(ErrorCode::kNotFound, results, ": cannot be opened");
  BatchCounts counts;
  std::string line;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++counts.rows;
    const std::optional<Json> row = parse_bounded(line);
    if (!row || !row->is_object() || !row->contains("custom_id") || !row->at("custom_id").is_string()) {
      ++counts.damaged;
      continue;
    }
    const auto found = known.find(row->at("custom_id").get<std::string>());
    if (found == known.end()) {
      ++counts.unknown;
      continue;
    }
    Known& one = found->second;
    if (one.seen || cache.contains(one.id)) {
      one.seen = true;
      ++counts.known;
      continue;
    }
    std::optional<Result> result;
    try {
      result = judge(*row, one.call);
    } catch (const Json::exception&) {  // members of other kinds
    }
    one.seen = true;
    if (!result) {
      ++counts.failed;
      continue;
    }
    result->endpoint = "batch";
    cache.append(one.id, *result);
    ++counts.stored;
    counts.answers += result->ok() ? 1 : 0;
    if (ledger != nullptr) {
      LedgerRow paid;
      paid.id = one.call.id, paid.image = one.call.image, paid.stage = one.call.stage;
      paid.endpoint = "batch", paid.model = one.call.model;
      paid.status = outcome_name(result->outcome);
      paid.request = one.id;
      paid.spent = cost_of(result->usage, prices, 0, 1);
      ledger->add(paid);
    }
  }
  for (const auto& [name, one] : known) counts.missing += one.seen ? 0 : 1;
  return counts;
}

}  // namespace moonbeam::llm

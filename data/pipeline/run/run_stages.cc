#include "data/pipeline/run/run_stages.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "data/pipeline/record/record_json.h"

namespace moonbeam::pipeline {

namespace {

using llm::Outcome;

/// Another attempt may have more luck.
bool may_pass(Outcome outcome) {
  return outcome == Outcome::kBusy || outcome == Outcome::kUnreachable || outcome == Outcome::kTimeout;
}

/// Nothing can be said of the picture in this run.
bool stops(Outcome outcome) {
  return outcome == Outcome::kCancelled || outcome == Outcome::kOverBudget || outcome == Outcome::kDenied;
}

/// One picture on its way through one stage.
struct Visit {
  explicit Visit(Record& to) : record(to), before(to) {}
  Record& record;
  Record before;  ///< to begin again with
  int round = 0, attempt = 1;
  bool done = false;
  std::vector<llm::Call> calls;
  std::vector<llm::Result> results;
};

class Pass {
 public:
  Pass(const Stage& stage, const Context& context, int attempts, const AskAll& ask_all, ChunkResult& result)
      : stage_(stage), context_(context), attempts_(attempts), ask_all_(ask_all), result_(result) {}

  void run(std::vector<Record>& records) {
    for (Record& one : records) {
      if (one.status == "ok") visits_.emplace_back(one);
    }
    for (Visit& one : visits_) step(one);
    while (ask()) {
    }
    if (!result_.why.empty() || result_.deferred) return;
    std::vector<Record*> chunk;
    for (Record& one : records) {
      if (one.status == "ok") chunk.push_back(&one);
    }
    stage_.finish(chunk, context_);
    for (Record& one : records) one.scratch = nullptr;
    const std::string name(stage_.name());
    for (Visit& one : visits_) one.record.hashes[name] = record_hash(one.record);
  }

 private:
  void step(Visit& visit) {
    try {
      visit.calls = stage_.step(visit.record, visit.round++, visit.results, context_);
    } catch (const Error& error) {  // a picture that cannot be read, say: one poison picture stops nobody
      if (error.code() == ErrorCode::kExhausted) throw;
      fail(visit, base::cat(stage_.name(), ": ", error.what()));
      return;
    }
    visit.results.clear();
    visit.done = visit.calls.empty();
  }

  static void fail(Visit& visit, std::string reason) {
    visit.record.status = "failed";
    visit.record.reason = std::move(reason);
    visit.record.attempts = visit.attempt;
    visit.calls.clear();
    visit.done = true;
  }

  /// All calls of a round. @return whether there were any
  bool ask() {
    std::vector<llm::Call> calls;
    for (Visit& one : visits_) {
      for (const llm::Call& call : one.calls) calls.push_back(call);
    }
    if (calls.empty()) return false;
    std::vector<llm::Result> results = ask_all_(std::move(calls));
    std::size_t next = 0;
    for (Visit& one : visits_) {
      if (one.done) continue;
      const std::size_t count = one.calls.size();
      one.results.assign(
          std::make_move_iterator(results.begin() + static_cast<std::ptrdiff_t>(next)),
          std::make_move_iterator(results.begin() + static_cast<std::ptrdiff_t>(next + count)));
      next += count;
      take(one);
    }
    return result_.why.empty();
  }

  void take(Visit& visit) {
    const llm::Result* bad = nullptr;
    for (const llm::Result& one : visit.results) {
      if (stops(one.outcome)) {
        if (result_.why.empty()) result_.why = base::cat(llm::outcome_name(one.outcome), ": ", one.message);
      } else if (one.outcome == Outcome::kDeferred) {
        result_.deferred = true;
        visit.calls.clear();
        visit.done = true;
        return;
      } else if (may_pass(one.outcome) && bad == nullptr) {
        bad = &one;
      }
    }
    if (!result_.why.empty()) return;
    if (bad != nullptr) {
      again(visit, *bad);
      return;
    }
    for (std::size_t i = 0; i < visit.calls.size(); ++i) {
      const llm::Result& one = visit.results[i];
      visit.record.calls.push_back({visit.calls[i].stage, visit.calls[i].id, one.request.hex(),
                                    std::string(llm::outcome_name(one.outcome)), visit.calls[i].model});
    }
    step(visit);
  }

  /// From the start of the stage: what was answered is in the cache.
  void again(Visit& visit, const llm::Result& bad) {
    if (visit.attempt >= attempts_) {
      fail(visit, base::cat(stage_.name(), ": ", llm::outcome_name(bad.outcome), ": ", bad.message));
      return;
    }
    ++visit.attempt;
    visit.record = visit.before;
    visit.round = 0;
    visit.results.clear();
    step(visit);
  }

  const Stage& stage_;
  const Context& context_;
  int attempts_;
  const AskAll& ask_all_;
  ChunkResult& result_;
  std::vector<Visit> visits_;
};

}  // namespace

ChunkResult run_stages(std::vector<Record>& records, std::span<const std::unique_ptr<Stage>> stages,
                       const Context& context, int attempts, const AskAll& ask_all) {
  ChunkResult result;
  for (const std::unique_ptr<Stage>& stage : stages) {
    Pass(*stage, context, attempts, ask_all, result).run(records);
    if (!result.why.empty() || result.deferred) return result;
  }
  result.complete = true;
  return result;
}

}  // namespace moonbeam::pipeline

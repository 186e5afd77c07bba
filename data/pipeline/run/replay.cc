#include "data/pipeline/run/replay.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "data/llm/cache.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/run/commit.h"
#include "data/pipeline/run/stages.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::pipeline {

namespace {

struct Place {
  int shard = 0, chunk = 0;
};

/// Lines of the input are in the plan's order. A key may stand in a text as well: the parsed line decides.
Place place_of_picture(const RunFolder& work, const Plan& plan, const std::string& key) {
  const std::string wanted = base::cat("\"key\":", Json(key).dump());
  for (int shard = 0; shard < plan.shards; ++shard) {
    const auto file = base::MappedFile::open(work.input(shard).string());
    const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
    for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
      const std::size_t before = text.rfind('\n', at),
                        begin = before == std::string_view::npos ? 0 : before + 1,
                        end = std::min(text.find('\n', at), text.size());
      if (input_of(text.substr(begin, end - begin), work.input(shard).string()).key != key) continue;
      const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
      return {shard, static_cast<int>(line / plan.chunk_pictures)};
    }
  }
  base::fail(ErrorCode::kNotFound, work.root.string(), ": no picture '", base::printable(key), "'");
}

/// Members of `after` that are new or differ; of lists of objects those that do, since stages add to them and
/// change what is there, and take nothing away.
Json difference(const Json& before, const Json& after) {
  Json out = Json::object();
  for (const auto& [key, value] : after.items()) {
    const auto found = before.find(key);
    if (found != before.end() && *found == value) continue;
    const bool list = value.is_array() && !value.empty() && value[0].is_object();
    if (!list || found == before.end()) {
      out[key] = value;
      continue;
    }
    out[key] = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i >= found->size() || (*found)[i] != value[i]) out[key].push_back(value[i]);
    }
  }
  return out;
}

Against against(const Record& replayed, const Record* stored, const std::string& stage) {
  if (stored == nullptr) return Against::kNotStored;
  const auto mine = replayed.hashes.find(stage), theirs = stored->hashes.find(stage);
  if (theirs == stored->hashes.end()) {
    return stored->hashes.empty()          ? Against::kNotStored  // of a run before hashes were kept
           : mine == replayed.hashes.end() ? Against::kEqual      // neither came so far
                                           : Against::kDiffers;
  }
  return mine != replayed.hashes.end() && mine->second == theirs->second ? Against::kEqual
                                                                         : Against::kDiffers;
}

/// Runs stages over records, and gives up where the client does.
void run_all(std::vector<Record>& records, std::span<const std::unique_ptr<Stage>> stages,
             const Context& context, int attempts, const AskAll& ask_all) {
  const ChunkResult done = run_stages(records, stages, context, attempts, ask_all);
  if (!done.complete) base::fail(ErrorCode::kExhausted, "no answer: ", done.why);
}

}  // namespace

std::string_view against_name(Against against) {
  return against == Against::kEqual ? "equal" : against == Against::kDiffers ? "differs" : "not stored";
}

Json replayed_json(const Replayed& one, bool compare) {
  Json calls = Json::array();
  for (const CallNote& call : one.calls) {
    calls.push_back(
        {{"id", call.id}, {"request", call.request}, {"outcome", call.outcome}, {"model", call.model}});
  }
  Json out = {{"picture", one.key},
              {"status", one.status},
              {"reached", one.reached},
              {"calls", calls},
              {"output", one.output}};
  if (!one.reason.empty()) out["reason"] = one.reason;
  if (compare) {
    out["compare"] = {{"input", against_name(one.input)}, {"output", against_name(one.result)}};
  }
  return out;
}

std::vector<Replayed> replay(const RunFolder& work, RunRecipe& recipe, const ReplayOptions& options,
                             const AskAll& ask_all) {
  const Plan plan = read_plan(work);
  const Prompts prompts = prompts_of(recipe);
  const Lexicon lexicon = words_of_run(recipe);
  const CorpusStats corpus = read_corpus(work);
  const Context context{prompts, lexicon, recipe.roles, hash_text(plan.pipeline), recipe.inputs.images,
                        &corpus};
  const std::vector<std::unique_ptr<Stage>> stages = make_stages(recipe);
  const auto found = std::find_if(stages.begin(), stages.end(),
                                  [&](const auto& one) { return one->name() == options.stage; });
  if (found == stages.end()) {
    base::fail(ErrorCode::kInvalidArgument, "expected a stage from ", stages.front()->name(), " to ",
               stages.back()->name(), ", got '", base::printable(options.stage), "'");
  }
  const auto index = static_cast<std::size_t>(found - stages.begin());
  const Place place = place_of_picture(work, plan, options.picture);
  std::vector<Record> records = read_input(work, plan, place.shard, place.chunk);
  const auto wanted = [&](const Record& one) { return options.chunk || one.input.key == options.picture; };
  const bool together =
      std::any_of(stages.begin(), std::next(found), [](const auto& one) { return one->compares_pictures(); });
  if (!together) std::erase_if(records, [&](const Record& one) { return !wanted(one); });

  std::map<std::string, Record> stored;
  if (is_committed(work, place.shard, place.chunk)) {
    read_chunk(work, place.shard, place.chunk, [&](Record& one) {
      if (wanted(one)) stored.emplace(one.input.key, std::move(one));
    });
  }
  const std::span<const std::unique_ptr<Stage>> all(stages);
  run_all(records, all.first(index), context, recipe.attempts, ask_all);
  const std::vector<Record> before = records;
  run_all(records, all.subspan(index, 1), context, recipe.attempts, ask_all);

  std::vector<Replayed> out;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& now = records[i];
    if (!wanted(now)) continue;
    Replayed& one = out.emplace_back();
    one.key = now.input.key;
    one.status = now.status;
    one.reason = now.reason;
    one.reached = before[i].status == "ok";
    one.output = difference(record_json(before[i]), record_json(now));
    one.output.erase("calls");
    one.calls.assign(now.calls.begin() + static_cast<std::ptrdiff_t>(before[i].calls.size()),
                     now.calls.end());
    const auto at = stored.find(one.key);
    const Record* theirs = at == stored.end() ? nullptr : &at->second;
    one.input = index == 0 ? (theirs == nullptr ? Against::kNotStored : Against::kEqual)
                           : against(now, theirs, std::string(stages[index - 1]->name()));
    one.result = against(now, theirs, options.stage);
  }
  return out;
}

AskAll stored_answers(const std::string& cache_folder) {
  auto cache = std::make_shared<const llm::Cache>(cache_folder);
  return [cache](const std::vector<llm::Call>& calls) {
    std::vector<llm::Result> out;
    for (const llm::Call& call : calls) {
      const llm::RequestId id = llm::request_id(call);
      std::optional<llm::Result> result = cache->find(id);
      if (!result)
        base::fail(ErrorCode::kNotFound, "call '", call.id, "': its answer (", id.hex(),
                   ") is not stored; only a server can give it");
      out.push_back(std::move(*result));
    }
    return out;
  };
}

}  // namespace moonbeam::pipeline

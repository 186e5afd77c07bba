#include "data/pipeline/run/auditor.h"

#include <optional>
#include <set>

#include "data/llm/cache.h"
#include "data/llm/client.h"
#include "data/pipeline/run/worker.h"
#include "data/pipeline/writing/facts.h"
#include "data/pipeline/writing/support.h"

namespace moonbeam::pipeline {

struct RunAuditor::State {
  Generator model;
  std::optional<Prompts> prompts;
  std::optional<Lexicon> lexicon;
  std::optional<Context> context;
  std::optional<llm::Cache> cache;
  std::optional<llm::Client> client;
};

RunAuditor::RunAuditor(const RunFolder& work, RunRecipe& recipe) : state_(std::make_unique<State>()) {
  recipe.stage("report").read("auditor", state_->model.model);
  if (state_->model.model.empty()) return;
  state_->prompts.emplace(prompts_of(recipe));
  state_->lexicon.emplace(words_of_run(recipe));
  state_->context.emplace(Context{*state_->prompts, *state_->lexicon, recipe.roles,
                                  hash_text(read_plan(work).pipeline), recipe.inputs.images});
  state_->cache.emplace(cache_folder(recipe, work), "auditor");
  state_->client.emplace(client_options(recipe, work, 1, nullptr), &*state_->cache, nullptr);
}

RunAuditor::~RunAuditor() = default;

std::string RunAuditor::name() const {
  return state_->model.model;
}

Auditor RunAuditor::audit() {
  if (state_->model.model.empty()) return {};
  return [state = state_.get()](const std::vector<AuditItem>& items) {
    std::vector<llm::Call> calls;
    for (const AuditItem& one : items) {
      const std::string& text = one.record.captions[one.caption].text;
      CallShape shape;
      shape.prompt = "S6v";
      shape.part = "audit:" + one.record.captions[one.caption].length;
      shape.who = &state->model;
      // Names for what is in the caption alone: the facts' would tell it what to find.
      const std::vector<std::string> nouns = nouns_in(text, *state->lexicon);
      const std::set<std::string> classes(nouns.begin(), nouns.end());
      calls.push_back(state->context->call(one.record, "M9", {{"text", text}, {"classes", classes}}, shape));
    }
    const std::vector<llm::Result> results = state->client->ask_all(std::move(calls));
    AuditCounts out;
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].ok()) continue;
      const Facts facts(items[i].record, *state->lexicon);
      for (const Json& claim : results[i].value.value("claims", Json::array())) {
        ++out.claims;
        out.supported += bearing(claim, facts).empty() ? 0 : 1;
      }
    }
    return out;
  };
}

}  // namespace moonbeam::pipeline

#include "data/pipeline/run/embedder.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "data/llm/cache.h"
#include "data/llm/client.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::size_t kTexts = 64;  // of a call

}  // namespace

struct RunEmbedder::State {
  Generator model;
  std::optional<llm::Cache> cache;
  std::optional<llm::Client> client;
};

RunEmbedder::RunEmbedder(const RunFolder& work, const RunRecipe& recipe) : state_(std::make_unique<State>()) {
  state_->model = recipe.roles.embedder;
  if (state_->model.model.empty()) return;
  state_->cache.emplace(recipe.cache.empty() ? work.cache().string() : recipe.cache, "embedder");
  state_->client.emplace(client_options(recipe, work, 1, nullptr), &*state_->cache, nullptr);
}

RunEmbedder::~RunEmbedder() = default;

std::string RunEmbedder::name() const {
  return state_->model.model.empty() ? std::string(kHashedName) : state_->model.model;
}

Embedder RunEmbedder::embed() {
  if (state_->model.model.empty()) return hashed_embedder();
  return [state = state_.get()](const std::vector<std::string>& texts) {
    std::vector<llm::Call> calls;
    for (std::size_t first = 0; first < texts.size(); first += kTexts) {
      llm::Call& call = calls.emplace_back();
      call.kind = llm::CallKind::kEmbeddings;
      call.stage = "S13";
      call.model = state->model.model;
      call.revision = state->model.revision;
      const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(first);
      call.inputs.assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(kTexts, texts.size() - first)));
    }
    std::vector<std::vector<float>> out;
    for (llm::Result& one : state->client->ask_all(std::move(calls))) {
      if (!one.ok()) {
        base::fail(ErrorCode::kUnsupported, state->model.model,
                   ": embeddings: ", llm::outcome_name(one.outcome), ": ", one.message);
      }
      for (std::vector<float>& vector : one.embeddings) out.push_back(std::move(vector));
    }
    return out;
  };
}

}  // namespace moonbeam::pipeline

// A loaded model with everything its requests share: pool, kernels, tokenizer, tables.
#pragma once

#include <memory>
#include <mutex>

#include <moonbeam/model.h>

#include "base/thread_pool.h"
#include "grammar/vocabulary.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "ops/context.h"
#include "text/rope.h"
#include "text/tokenizer.h"

namespace moonbeam::tasks {

/// Tokens as bytes, for answers after a schema: made when the first one is asked for.
class LazyVocabulary {
 public:
  std::shared_ptr<const grammar::Vocabulary> get(const model::ModelConfig& config,
                                                 const text::Tokenizer& tokenizer);

 private:
  std::once_flag once_;
  std::shared_ptr<const grammar::Vocabulary> made_;
};

struct Engine {
  std::shared_ptr<const model::Model> model;
  const kernels::KernelTable* kernels;
  std::unique_ptr<base::ThreadPool> pool;  ///< jobs of several requests take turns on it
  text::Tokenizer tokenizer;
  text::RopeTable rope;
  ModelInfo info;
  ops::Precision precision = ops::Precision::kF32;  ///< of keys, values and attention
  std::unique_ptr<LazyVocabulary> lazy_vocabulary = std::make_unique<LazyVocabulary>();

  const model::ModelConfig& config() const noexcept { return model->config; }
  const model::Prompts& prompts() const noexcept { return model->config.prompts; }
  std::shared_ptr<const grammar::Vocabulary> vocabulary() const {
    return lazy_vocabulary->get(config(), tokenizer);
  }
};

/// @throws Error as Model::load.
std::shared_ptr<const Engine> open_engine(const std::string& model, const LoadOptions& options);
/// For tests: an engine round weights that are already there.
std::shared_ptr<const Engine> make_engine(std::shared_ptr<const model::Model> model,
                                          const LoadOptions& options);

}  // namespace moonbeam::tasks

namespace moonbeam {

struct Model::Impl {
  std::shared_ptr<const tasks::Engine> engine;
};

}  // namespace moonbeam

// Embeddings of a run: the recipe's model through the client and its cache, or hashed n-grams where it names
// none (ruling 27).
#pragma once

#include <memory>
#include <string>

#include "data/pipeline/reduce/embedding.h"
#include "data/pipeline/run/plan.h"

namespace moonbeam::pipeline {

class RunEmbedder {
 public:
  /// @throws Error as llm::Client.
  RunEmbedder(const RunFolder& work, const RunRecipe& recipe);
  ~RunEmbedder();

  std::string name() const;  ///< "hashed n-grams" or the model's
  /// Belongs to this. Throws Error kUnsupported where the server does not answer.
  Embedder embed();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moonbeam::pipeline

// What stages share: prompts, words, which model does what, the record's random numbers, pictures.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/call.h"
#include "data/pipeline/record/record.h"
#include "data/pipeline/stage/corpus.h"
#include "data/pipeline/stage/prompts.h"
#include "data/pipeline/words/lexicon.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

struct Generator {
  std::string model, revision = {};
  double share = 1;  ///< of the calls of its role
};

/// Who is asked. An empty vision model: nobody, and what needs eyes is unknown.
struct Roles {
  std::vector<Generator> writers;  ///< S2, S3, S6 to S8: drawn per picture and stage (E7)
  Generator verifier;              ///< S4a, S4b, S5, S10
  Generator judge;
  Generator vision;    ///< S4c, S10
  Generator embedder;  ///< S12, S13, monitors; empty: hashed n-grams
};

struct CallShape {
  std::string prompt;  ///< "S3"
  std::string part;    ///< "count:0": names the call within picture and stage
  const Generator* who = nullptr;
  double temperature = 0, top_p = 1;
  int max_tokens = 1024;
  int examples = 0;  ///< drawn from the prompt's
  std::vector<llm::Picture> pictures = {};
};

struct Context {
  const Prompts& prompts;
  const Lexicon& lexicon;
  Roles roles;
  std::uint64_t pipeline = 0;           ///< 64 bits of the pipeline's identity
  std::string pictures;                 ///< folder of the pictures
  const CorpusStats* corpus = nullptr;  ///< of the plan; null: popular and adversarial negatives are random

  /// Random numbers of (pipeline, picture, what for): the same whatever else runs (R3).
  data::Stream draws(const Record& record, std::string_view what) const;
  /// One of the writers by their shares.
  const Generator& writer(data::Stream& draws) const;
  /// A call with identity, seed, messages and schema: hand it back from Stage::step().
  llm::Call call(const Record& record, std::string_view stage, const llm::Json& input,
                 const CallShape& shape) const;
  /// The picture's file. @throws Error kNotFound.
  llm::Picture picture(const Record& record) const;
  /// A part of it with a margin of `margin` times its sides, as JPEG. @throws Error as decode.
  llm::Picture cut(const Record& record, const Box& box, double margin) const;
};

/// "20C3..." to 64 bits: of any text.
std::uint64_t hash_text(std::string_view text);

}  // namespace moonbeam::pipeline

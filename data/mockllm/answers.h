// What the mock says: from the machine-readable part of a prompt alone, by the stage it names (data.md 8.3).
//
// A prompt holds one JSON object between <input> and </input>, with a member "stage". docs/data.md lists the
// members of each stage. Without it, or with a stage that is not known, a schema is filled with values drawn
// from the request's content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/mockllm/faults.h"
#include "data/mockllm/truth.h"
#include "data/mockllm/words.h"

namespace moonbeam::mockllm {

struct Question {
  std::string prompt;  ///< all text of the messages
  Json input;          ///< the machine-readable part; null where there is none
  std::string stage;
  llm::OrderedJson schema;            ///< null: free text
  std::vector<std::string> pictures;  ///< SHA-256 of each
  std::uint64_t content = 0;          ///< hash of all that was asked
  const Faults::Met* faults = nullptr;

  bool has(Fault fault) const { return faults != nullptr && faults->has(fault); }
};

/// The object between the last <input> and </input>; null where there is none.
Json machine_part(std::string_view prompt);

/// The answer as JSON, or as a string where it is free text.
Json answer_to(const Question& question, const Truth& truth, double truth_error);

/// A value of the schema, drawn from `content`.
Json fill_schema(const llm::OrderedJson& schema, std::uint64_t content);

/// By stage; null where the stage is of the other file, or unknown.
Json answer_reading(const Question& question);   ///< S2 to S5: what reads texts
Json answer_writing(const Question& question);   ///< S6 to S8: what writes them
Json answer_checking(const Question& question);  ///< S10, judge, entail: what checks them

/// 64 numbers of length 1: hashed words and character trigrams.
std::vector<float> embed(std::string_view text);

}  // namespace moonbeam::mockllm

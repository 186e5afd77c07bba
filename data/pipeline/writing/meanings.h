// Texts of a picture as vectors, for what compares pictures of a chunk (E9): the run's embedder is asked once
// a picture, or hashed n-grams serve where there is none (ruling 27).
#pragma once

#include <string>
#include <vector>

#include "data/llm/call.h"
#include "data/llm/result.h"
#include "data/pipeline/stage/context.h"

namespace moonbeam::pipeline {

/// One call for all texts; none where there is no embedder, or nothing to embed.
std::vector<llm::Call> ask_meanings(const Record& record, std::string_view stage,
                                    const std::vector<std::string>& texts, const Context& context);
/// Puts its vectors into Record::scratch.
void take_meanings(Record& record, const llm::Result& result);
/// Of the same texts, in their order; empty ones where the embedder gave none.
std::vector<std::vector<float>> meanings_of(const Record& record, const std::vector<std::string>& texts,
                                            const Context& context);

}  // namespace moonbeam::pipeline

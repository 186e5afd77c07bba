// How a text is to be written, drawn per call: who asks, in which register, how long, how it begins (E2,
// E10).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/stage/context.h"

namespace moonbeam::pipeline {

struct Style {
  std::string asker, manner, opener;
  int words = 0;  ///< of a question, about
};

Style draw_style(const Prompts& prompts, data::Stream& draws);
Json shown(const Style& style);
/// For provenance, in one line.
std::string named(const Style& style);

/// One of a list. @throws Error kNotFound (no such list).
const std::string& pick(const Prompts& prompts, const std::string& list, data::Stream& draws);
/// "count", of the second candidate "count:2": names a call, and its random numbers.
std::string candidate_part(const std::string& part, int candidate);
/// Lines "what 38" of a list: what there is to draw, with its weight. @throws Error kNotFound,
/// kInvalidArgument.
std::vector<std::pair<std::string, float>> weights_in(const Prompts& prompts, const std::string& list);
/// Generator, temperature of the creative schedule (E6) and examples of one call.
CallShape creative(const std::string& prompt, const std::string& part, int examples, const Context& context,
                   data::Stream& draws);

/// "{a}" is the noun with its article, "{n}" the noun, "{s}" its plural.
std::string filled(std::string form, const std::string& noun, const Lexicon& lexicon);
/// The text with the words of `from` as `to`, "a" and "an" before it mended; "" unless they stand there once.
std::string swapped(const std::string& text, const std::string& from, const std::string& to);

}  // namespace moonbeam::pipeline

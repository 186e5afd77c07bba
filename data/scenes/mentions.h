// Things that a text names: how captions and answers are read back, ours and a model's alike.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "data/scenes/labels.h"

namespace moonbeam::data {

struct Mention {
  int label = 0;
  std::optional<Colour> colour = {};  ///< "red star"
  int count = 1;                      ///< "three stars", "3 stars"; 1 for "a", "some" and none
};

/// In the order of the text. The longest noun wins: "hot dog" names no dog. Case and punctuation do not
/// matter; nouns that the table does not know are passed over.
std::vector<Mention> mentions(std::string_view text, const LabelTable& labels);

/// "3", "three", "none", "no": 0 .. 20; none for anything else. Case does not matter.
std::optional<int> read_number(std::string_view word);

}  // namespace moonbeam::data

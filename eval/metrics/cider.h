// CIDEr-D: how much a caption agrees with people's (data.md 3.7).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::eval {

struct CaptionedPicture {
  std::string hypothesis;
  std::vector<std::string> references;
};

struct CiderScores {
  std::vector<double> each;
  double mean = 0;
};

/// Of the corpus: words count by how few pictures they are said of. Of one picture it is always 0.
CiderScores cider_d(std::span<const CaptionedPicture> pictures);

/// Lower case, marks taken off: about what the Penn Treebank's tokenizer leaves of a caption.
std::vector<std::string> caption_words(std::string_view text);

}  // namespace moonbeam::eval

// CHAIR: things that a caption names and the picture does not show (data.md 3.6). Lower is better; silence
// scores 0, so recall and length stand beside it.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::eval {

/// Words to classes: names, synonyms, kinds, in both numbers.
class ChairVocabulary {
 public:
  /// A table of noun, plural, synonyms, kinds (data/words/classes.tsv). @throws Error kNotFound, kCorrupt.
  static ChairVocabulary load(const std::string& path);
  void add(const std::string& name, const std::vector<std::string>& words, const std::string& plural = {});
  /// Classes that a caption mentions, in its order, with repetition.
  std::vector<std::string> mentions(std::string_view caption) const;

 private:
  void add_word(const std::string& word, const std::string& name);
  std::map<std::string, std::string, std::less<>> classes_;  // by words, joined by spaces
  std::size_t longest_ = 1;                                  // in words
};

struct ChairPicture {
  std::string caption;
  std::vector<std::string> objects;     ///< classes that are annotated
  std::vector<std::string> references;  ///< people's captions: what they name is there too
};

struct ChairScores {
  double of_mentions = 0;  ///< CHAIR_i: hallucinated mentions / mentions
  double of_captions = 0;  ///< CHAIR_s: captions with one at least / captions
  double recall = 0;       ///< classes that are there and named / that are there
  double length = 0;       ///< words a caption
};
ChairScores chair(std::span<const ChairPicture> pictures, const ChairVocabulary& vocabulary);

}  // namespace moonbeam::eval

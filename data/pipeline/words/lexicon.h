// What words have to do with one another: singulars, synonyms, kinds. From files of data/words and the label
// table of the scenes; a run may add its own. Nouns are lower case and singular, of one or more words.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

class Lexicon {
 public:
  /// Files of a folder. @throws Error kNotFound, kInvalidArgument naming file and line.
  explicit Lexicon(const std::filesystem::path& folder);

  /// "wolf" of "Wolves"; a noun that is not known by the rules of English.
  std::string singular(std::string_view noun) const;
  std::string plural(std::string_view noun) const;
  bool is_noun(std::string_view word) const;  ///< of its list, in either number
  bool is_concrete(std::string_view noun) const;

  /// One thing under two names: "couch" and "sofa".
  bool same(std::string_view a, std::string_view b) const;
  /// "dog" is an "animal"; everything is itself.
  bool is_a(std::string_view kind, std::string_view of) const;
  /// Either is the other, or a kind of it, or looks like it: while one is to be seen, the other cannot be
  /// denied.
  bool related(std::string_view a, std::string_view b) const;
  /// The noun, in either number, one of its synonyms or one of its kinds stands in the text.
  bool mentions(std::string_view text, std::string_view noun) const;

  /// Concrete nouns that absurd questions are about (E1); at least 4,000, sorted.
  const std::vector<std::string>& seeds() const { return seeds_; }
  /// SHA-256 of the files: part of the pipeline's identity.
  const std::string& sha256() const { return sha256_; }

 private:
  std::vector<std::string> seeds_;
  std::string sha256_;
};

/// data/words of the program or the source tree.
std::filesystem::path find_words_folder();

}  // namespace moonbeam::pipeline

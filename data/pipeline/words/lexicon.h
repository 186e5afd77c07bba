// What words have to do with one another: singulars, synonyms, kinds. From files of data/words and the label
// table of the scenes; a run may add its own. Nouns are lower case and singular, of one or more words.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

/// A noun that stands in a text.
struct NounAt {
  std::string noun;                ///< as the lexicon writes it: singular
  std::size_t begin = 0, end = 0;  ///< bytes of the text
  bool plural = false;
};

class Lexicon {
 public:
  /// classes.tsv, nouns.tsv and plurals.tsv of a folder, and labels.tsv of the folder above it.
  /// @throws Error kNotFound, kInvalidArgument or kCorrupt naming file and line.
  explicit Lexicon(const std::filesystem::path& folder);
  ~Lexicon();
  Lexicon(Lexicon&&) noexcept;

  /// "wolf" of "Wolves"; a noun that is not known by the rules of English.
  std::string singular(std::string_view noun) const;
  std::string plural(std::string_view noun) const;
  /// What a phrase is about: "bench" of "the old wooden benches", "cup" of "a cup of coffee". Where no noun
  /// of it is known, its last word.
  std::string head(std::string_view phrase) const;
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

  /// The longest ones win: "hot dog" holds no dog. "Can" of "we can see" is none, nor "orange" of "an orange
  /// ball".
  std::vector<NounAt> nouns_in(std::string_view text) const;
  /// Other names of it: "sofa" of "couch".
  std::vector<std::string> synonyms(std::string_view noun) const;
  /// What it is a kind of, and what those are: "furniture" of "couch".
  std::vector<std::string> kinds_of(std::string_view noun) const;
  /// Easily taken for it, and yet something else: hard negatives (label table).
  std::vector<std::string> confusable(std::string_view noun) const;

  /// Concrete nouns that absurd questions are about (E1); at least 4,000, sorted.
  const std::vector<std::string>& seeds() const;
  /// SHA-256 of the files: part of the pipeline's identity.
  const std::string& sha256() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// data/words of the program or the source tree.
std::filesystem::path find_words_folder();

}  // namespace moonbeam::pipeline

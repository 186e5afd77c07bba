// A picture in numbers: what is known of it before anybody is asked, and what the stages expect to make of
// it, means of many pictures. With it `data estimate` asks each stage for the calls it will make.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

struct Context;
class Stage;

/// Whom a stage asks, as Roles names them.
enum class Role { kWriter, kVerifier, kJudge, kVision, kEmbedder };

struct ExpectedCalls {
  std::string prompt;  ///< name among the prompts; its file's size counts
  Role role = Role::kWriter;
  double calls = 0;     ///< a picture
  double input = 300;   ///< tokens of a call beside the prompt and its examples
  double output = 160;  ///< tokens of an answer
  int examples = 0;     ///< worked ones in the prompt
};

/// Texts that are taken apart together.
struct ExpectedTexts {
  double texts = 0, words = 0, nouns = 0;  ///< nouns: different ones that name a thing
};

struct Expected {
  // of the annotations
  ExpectedTexts narratives, captions, regions, alt;
  double written = 0;                 ///< texts in the picture
  double things = 0, classes = 0;     ///< of some size
  double single = 0, two_single = 0;  ///< share of pictures with a class that is there once; with two
  double coloured = 0, doing = 0;     ///< share of pictures whose texts tell a colour, an action
  double exhaustive = 0;              ///< share whose annotation is complete

  // of the stages
  double claims = 0;     ///< found by S3
  double unsettled = 0;  ///< of those, what text and sheet leave to eyes (S4)
  double accepted = 0;   ///< what S5 leaves of them
  double pairs = 0;      ///< questions with answers (S7, S8)

  void add(const Input& input, const Lexicon& lexicon);
  void divide(double pictures);
};

constexpr double kTokensAWord = 1.4;
inline double words_a_text(const ExpectedTexts& all) {
  return all.texts > 0 ? all.words / all.texts : 0;
}

/// Calls for items that are asked about so many at a time: a last call is half full in the mean.
double batches(double items, double a_call);
/// Share of pictures with at least `least` of what there is `mean` of in the mean.
double share_with(double least, double mean);

/// All pictures of a plan: those whose annotations are of the same kinds together, since a stage that has
/// nothing to read asks nothing.
class ExpectedRun {
 public:
  explicit ExpectedRun(const Lexicon& lexicon) : lexicon_(lexicon) {}
  void add(const Input& input);
  std::int64_t pictures() const;
  /// Of the whole run, a row a prompt and role, in the order of the stages.
  std::vector<ExpectedCalls> calls(std::span<const std::unique_ptr<Stage>> stages,
                                   const Context& context) const;

 private:
  struct Group {
    Expected sum;
    std::int64_t pictures = 0;
  };
  const Lexicon& lexicon_;
  std::map<std::array<bool, 5>, Group> groups_;
};

}  // namespace moonbeam::pipeline

// POPE: yes or no to whether a thing is there (data.md 3.5): answers, figures, and how its questions are
// made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::eval {

enum class PopeParser {
  kOfficial,  ///< whatever holds no "no" before its first full stop is a yes
  kStrict,    ///< "yes" or "no" alone
  kToken,     ///< one of the words is there and the other is not
};
/// None: wrong, and counted.
std::optional<bool> pope_answer(std::string_view text, PopeParser parser);

struct PopeCounts {
  int true_yes = 0, false_yes = 0, true_no = 0, false_no = 0, unread = 0;
  int unread_of_yes = 0;  ///< of the unread, those whose answer is yes: they are missed

  void add(std::optional<bool> answer, bool truth);
  int questions() const { return true_yes + false_yes + true_no + false_no + unread; }
  double accuracy() const;
  double precision() const;
  double recall() const;
  double f1() const;
  double yes_ratio() const;  ///< of the predictions
};

enum class PopeKind { kRandom, kPopular, kAdversarial };

struct PopeQuestion {
  std::size_t picture = 0;
  std::string text, object;
  bool yes = false;
};

/// Six a picture that has three things at least: three that are there, each followed by one that is not.
/// @param pictures  names of the things in each
std::vector<PopeQuestion> pope_questions(std::span<const std::vector<std::string>> pictures, PopeKind kind,
                                         std::uint64_t seed);

}  // namespace moonbeam::eval

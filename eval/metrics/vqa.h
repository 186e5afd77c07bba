// Scores of short answers: VQAv2 and its relatives, GQA, DocVQA, ChartQA (data.md 3.1 to 3.4).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace moonbeam::eval {

enum class VqaRule {
  kOfficial,   ///< VQAv2's scorer: answers that ten people gave alike are compared as they stand
  kEvalAi,     ///< TextVQA, VizWiz: always normalised
  kMin3,       ///< always normalised, min(1, k / 3) without leaving one out
  kMoondream,  ///< min3, but references are normalised only where they are not all alike
};

/// 0 to 1. @param answers  of people, ten as a rule
double vqa_accuracy(std::string_view prediction, std::span<const std::string> answers,
                    VqaRule rule = VqaRule::kOfficial);

/// Lower case, without marks, whitespace squeezed: equal or not.
bool gqa_correct(std::string_view prediction, std::string_view answer);

/// Average normalised Levenshtein similarity of one question: that of the best gold answer, 0 below one half.
double anls(std::string_view prediction, std::span<const std::string> golds);

/// Within 5 % of a number; other texts equal but for case; lists element by element.
bool relaxed_correct(std::string_view prediction, std::string_view gold);
/// Equal but for case: beside the relaxed score, which takes 2015 for 2019.
bool strict_correct(std::string_view prediction, std::string_view gold);

/// The trimmed answer is the number in decimal digits, as CountBenchQA and TallyQA are scored.
bool count_correct(std::string_view prediction, int number);
/// -1 where the answer is no number.
int count_error(std::string_view prediction, int number);

}  // namespace moonbeam::eval

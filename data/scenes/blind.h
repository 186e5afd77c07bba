// What the words of questions give away without the picture: monitor M8 of the data.
#pragma once

#include <string>
#include <vector>

namespace moonbeam::data {

struct BlindSample {
  std::string question;
  std::string answer;  ///< "yes", "no"; "refuse", "answer"; a colour; ...
};

struct BlindScore {
  double accuracy = 0, majority = 0;  ///< 0 .. 1
  double margin() const { return accuracy - majority; }
};

/// Accuracy of a logistic regression on the words and pairs of words of the questions, over five folds,
/// beside that of always giving the commonest answer. Two answers: any other than the first sample's is the
/// second.
BlindScore blind_regression(const std::vector<BlindSample>& samples);

/// The same with the commonest answer to each very question, where it was seen before, in lower case and
/// without what stands behind its first mark.
BlindScore blind_lookup(const std::vector<BlindSample>& samples);

}  // namespace moonbeam::data

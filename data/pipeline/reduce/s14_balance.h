// S14: flattens the head (data.md 4.11): no question with its answer, no answer of a kind of question may
// have more than a share, and yes and no are equally frequent for each thing and each opening. What goes is
// drawn by a hash of the sample's name: the same whatever the order. Pairs that are twins are thinned
// together; where yes and no are equalised they may part, since things and openings are even then.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/key_file.h"
#include "data/pipeline/reduce/decisions.h"

namespace moonbeam::pipeline {

struct BalanceOptions {
  std::uint64_t seed = 0;
  double template_share = 0.05;  ///< of all pairs: a question, its thing left open, with one answer
  std::map<std::string, double> answer_shares = {{"colour", 0.12}, {"count", 0.25}};  ///< by type
  /// Of every other type that has answers of its own; where there are few of them, one and a half times what
  /// each would have if all were alike: of left, right, above and below each is a quarter, and no collapse.
  double answer_share = 0.10;
  std::int64_t least = 20;  ///< what is not more frequent than this is never cut
  bool yes_no = true;       ///< equalise
  /// Absurd questions with an opening for each one with it that has an answer (M8): caps and thinning take
  /// away the answered ones that they were made of.
  double refusal_ratio = 0.34;
  double opener_tolerance = 0.02;  ///< of an opening's pairs: yes and no may differ by so much
  bool thin = true;  ///< pairs of weight w stay with probability w: samples themselves have no weight

  /// [S14] of a recipe. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& section);
};

/// What S14 looks at of a pair: hashes, not texts.
struct BalanceRow {
  std::uint32_t item = 0, twin = kNone;
  std::uint8_t type = 0;  ///< balance_types()
  std::int8_t yes = -1;   ///< 1, 0; -1: neither
  float weight = 1;
  std::uint64_t name = 0;               ///< of the sample
  std::uint64_t shape = 0, answer = 0;  ///< of the question without its thing, and of its answer
  std::uint64_t about = 0, opener = 0;
};

/// "what", "where", ... in fixed order.
std::span<const std::string_view> balance_types();

/// "is there a _ in the picture" of "Is there a red dog in the picture?", about "red dog".
std::string question_shape(const std::string& question, const std::string& about);
/// The first four words, in lower case.
std::string opener_of(const std::string& question);
BalanceRow balance_row(const Pair& pair, std::uint32_t item, const std::string& id);

/// Why each row stays (kKept) or goes.
std::vector<Why> balance(std::span<const BalanceRow> rows, const BalanceOptions& options);

/// The same for what S13 left of a work folder.
void balance(const WorkFolder& work, const BalanceOptions& options, int threads, Decisions& decisions);

/// The largest count c, `least` at least, with c <= share * sum of min(n, c).
std::int64_t cap_of(std::span<const std::int64_t> counts, double share, std::int64_t least);

}  // namespace moonbeam::pipeline

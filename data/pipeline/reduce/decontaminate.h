// What must never be trained on: pictures of evaluation sets, and text that holds a benchmark's question
// (data.md 4.10).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/reduce/near_pictures.h"

namespace moonbeam::pipeline {

/// A file of lines: a picture's key ("coco-7"), the SHA-256 of its file (64 hexadecimal digits) or its
/// perceptual hash ("phash:0123456789abcdef"). Text behind # is a remark.
class EvaluationPictures {
 public:
  explicit EvaluationPictures(int bits) : hashes_(bits) {}
  /// @throws Error kNotFound, kInvalidArgument naming the line.
  void read(const std::string& path);
  void add(const std::string& line, const std::string& where);
  bool holds(const Record& record) const;
  std::size_t size() const { return names_.size() + hashes_.size(); }

 private:
  std::unordered_set<std::string> names_;
  HashIndex hashes_;
};

/// Questions of benchmarks by their runs of `gram` words.
class BenchmarkQuestions {
 public:
  explicit BenchmarkQuestions(int gram) : gram_(static_cast<std::size_t>(gram)) {}
  /// A line each. @throws Error kNotFound.
  void read(const std::string& path);
  void add(std::string_view question);
  /// The largest share of a question's words that runs which stand in the text cover.
  double covered(std::string_view text) const;

 private:
  struct At {
    std::uint32_t question, word;
  };
  std::size_t gram_;
  std::vector<std::uint32_t> lengths_;  // in words, of each question
  std::unordered_map<std::uint64_t, std::vector<At>> runs_;
};

}  // namespace moonbeam::pipeline

#include "data/pipeline/reduce/decontaminate.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/formats/byte_source.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::string_view kHash = "phash:";
constexpr std::size_t kLongestLine = 1 << 16;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <typename Use>
void each_line_of(const std::string& path, const Use& use) {
  data::ByteSource source(path);
  std::string line;
  bool whole = true;
  for (std::uint64_t number = 1; source.read_line(line, kLongestLine, whole); ++number) {
    use(line, base::cat(source.name(), ":", number));
  }
}

std::uint64_t run_hash(const std::vector<std::string>& words, std::size_t at, std::size_t length) {
  std::string run;
  for (std::size_t i = at; i < at + length; ++i) run += words[i] + ' ';
  return hash_of(run);
}

}  // namespace

void EvaluationPictures::read(const std::string& path) {
  each_line_of(path, [&](const std::string& line, const std::string& where) { add(line, where); });
}

void EvaluationPictures::add(const std::string& line, const std::string& where) {
  std::string text = line.substr(0, line.find('#'));
  const std::size_t begin = text.find_first_not_of(" \t\r"), end = text.find_last_not_of(" \t\r");
  if (begin == std::string::npos) return;
  text = text.substr(begin, end - begin + 1);
  if (!text.starts_with(kHash)) {
    names_.insert(text);
    return;
  }
  const std::string digits = text.substr(kHash.size());
  if (digits.size() != 16 || !is_hex(digits)) {
    base::fail(ErrorCode::kInvalidArgument, where, ": expected phash: and 16 hexadecimal digits, got '",
               base::printable(text), "'");
  }
  hashes_.add(std::stoull(digits, nullptr, 16), static_cast<std::uint32_t>(hashes_.size()));
}

bool EvaluationPictures::holds(const Record& record) const {
  return names_.contains(record.input.key) ||
         (!record.picture.sha256.empty() && names_.contains(record.picture.sha256)) ||
         (record.picture.hash != 0 && hashes_.near(record.picture.hash));
}

void BenchmarkQuestions::read(const std::string& path) {
  each_line_of(path, [&](const std::string& line, const std::string&) { add(line); });
}

void BenchmarkQuestions::add(std::string_view question) {
  const std::vector<std::string> words = plain_words(question);
  if (words.size() < gram_) return;
  const auto number = static_cast<std::uint32_t>(lengths_.size());
  lengths_.push_back(static_cast<std::uint32_t>(words.size()));
  for (std::size_t i = 0; i + gram_ <= words.size(); ++i) {
    runs_[run_hash(words, i, gram_)].push_back({number, static_cast<std::uint32_t>(i)});
  }
}

double BenchmarkQuestions::covered(std::string_view text) const {
  if (runs_.empty()) return 0;
  const std::vector<std::string> words = plain_words(text);
  std::map<std::uint32_t, std::vector<bool>> hit;  // by question: its words
  for (std::size_t i = 0; i + gram_ <= words.size(); ++i) {
    const auto found = runs_.find(run_hash(words, i, gram_));
    if (found == runs_.end()) continue;
    for (const At& at : found->second) {
      std::vector<bool>& marks = hit[at.question];
      marks.resize(lengths_[at.question]);
      for (std::size_t k = 0; k < gram_; ++k) marks[at.word + k] = true;
    }
  }
  double most = 0;
  for (const auto& [question, marks] : hit) {
    const auto count = std::count(marks.begin(), marks.end(), true);
    most = std::max(most, static_cast<double>(count) / static_cast<double>(marks.size()));
  }
  return most;
}

}  // namespace moonbeam::pipeline

#include "train/loop/corpus.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "train/loop/pictures.h"

namespace moonbeam::train {

namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 26;
// Each a token of its own: they stand in every prompt.
constexpr const char* kPromptWords[] = {"caption", "short", "normal", "long", "query", "detect", "point"};
constexpr int kPromptTimes = 2000;
constexpr int kSide = 56;  // questions are about the truth: small pictures are drawn faster

class Lines {
 public:
  explicit Lines(const std::string& out) : file_(out) {}

  void add(const std::string& text) {
    if (text.empty()) return;
    file_.write(text + "\n");
    ++count_;
  }
  void add_word(const std::string& word, int times) {
    for (int i = 0; i < times; ++i) add(word + " " + word);
  }
  std::int64_t finish() {
    file_.commit();
    return count_;
  }

 private:
  base::AtomicFile file_;
  std::int64_t count_ = 0;
};

void add_words(Lines& lines, const std::string& path, int times) {
  std::istringstream words(base::read_file(path, kLargestFile));
  for (std::string word; words >> word;) lines.add_word(word, times);
}

}  // namespace

CorpusReport write_corpus(const Recipe& recipe, const CorpusOptions& options, const std::string& out) {
  const Assets assets = load_assets(recipe);
  std::vector<Stage> stages;
  for (const Stage& stage : recipe.stages) {
    if (!stage.asks()) continue;
    stages.push_back(stage);
    stages.back().scene.height = stages.back().scene.width = kSide;
    stages.back().scene.degrade = false;
    stages.back().scene.masks = false;
    stages.back().loss.dense = stages.back().loss.align = {};
  }
  if (stages.empty())
    base::fail(ErrorCode::kInvalidArgument, "corpus: no stage of the recipe asks questions");
  Lines lines(out);
  for (std::int64_t i = 0; i < options.scenes; ++i) {
    const Stage& stage = stages[static_cast<std::size_t>(i) % stages.size()];
    const int classes = stage.widen.empty() ? stage.classes : stage.widen.back();
    const data::Scene scene =
        draw_scene(assets, stage, classes, data::Split::kTrain, static_cast<std::uint64_t>(i));
    for (const data::Question& question : ask_about(assets, stage, classes, scene)) {
      // As the prompts have it: an object's name stands behind a space.
      const bool object = question.kind == data::Kind::kDetect || question.kind == data::Kind::kPoint;
      lines.add(object ? " " + question.text : question.text);
      lines.add(question.answer);
    }
  }
  for (int label = 0; label < assets.labels.size(); ++label) {
    lines.add_word(assets.labels[label].noun, options.times);
    lines.add_word(assets.labels[label].plural, options.times);
  }
  for (const char* word : kPromptWords) {
    for (int i = 0; i < kPromptTimes; ++i) lines.add(word);
  }
  for (const std::string& words : options.words) add_words(lines, words, options.times);
  return {lines.finish()};
}

}  // namespace moonbeam::train

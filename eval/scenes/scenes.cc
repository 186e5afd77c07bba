#include "eval/scenes/scenes.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <map>
#include <set>

#include "eval/metrics/answers.h"
#include "eval/metrics/boxes.h"

namespace moonbeam::eval {

namespace {

using data::Kind;

bool is_text(Kind kind) {
  return kind != Kind::kCaption && kind != Kind::kDetect && kind != Kind::kPoint;
}

/// Guesses need no picture: the commonest answer of each kind, one box or point in the middle.
class Guesses {
 public:
  void add(Measure measure, const std::string& truth) { ++answers_[measure][truth]; }
  void add_middle(Measure measure, const Matches& matches) {
    Matches& sum = middles_[measure];
    sum.hits += matches.hits;
    sum.found += matches.found;
    sum.truth += matches.truth;
  }
  void fill(std::vector<double>& guess) const {
    for (const auto& [measure, answers] : answers_) {
      int most = 0, all = 0;
      for (const auto& [answer, count] : answers) {
        most = std::max(most, count);
        all += count;
      }
      guess[static_cast<std::size_t>(measure)] = static_cast<double>(most) / all;
    }
    for (const auto& [measure, sum] : middles_) {
      const double recall = sum.truth > 0 ? static_cast<double>(sum.hits) / sum.truth : 0;
      guess[static_cast<std::size_t>(measure)] = measure == Measure::kDetectF1 ? sum.f1() : recall;
    }
    guess[static_cast<std::size_t>(Measure::kCaptionPrecision)] = 0;
    guess[static_cast<std::size_t>(Measure::kCaptionRecall)] = 0;
    guess[static_cast<std::size_t>(Measure::kPremise)] = 0;
  }

 private:
  std::map<Measure, std::map<std::string, int>> answers_;
  std::map<Measure, Matches> middles_;
};

/// What one scene adds to each measure.
struct Sums {
  std::array<double, kMeasures> part{}, whole{};
  void add(Measure measure, double hit, double trials = 1) {
    part[static_cast<std::size_t>(measure)] += hit;
    whole[static_cast<std::size_t>(measure)] += trials;
  }
};

class Evaluation {
 public:
  Evaluation(const Model& model, const data::LabelTable& labels, const ScenesOptions& options)
      : model_(model), labels_(labels), options_(options) {
    report_.split = data::name(options.split);
    report_.scenes = options.scenes;
  }

  void look_at(const data::Scene& scene) {
    const std::vector<data::Question> questions = data::ask(scene, labels_, options_.questions);
    const EncodedImage image = model_.encode_image(scene.image);
    Sums sums;
    ask_text(scene, questions, image, sums);
    for (const data::Question& question : questions) {
      if (question.kind == Kind::kCaption) look_at_caption(scene, question, image, sums);
      if (question.kind == Kind::kDetect && model_.info().can_detect) detect(scene, question, image, sums);
      if (question.kind == Kind::kPoint && model_.info().can_detect) point(scene, question, image, sums);
    }
    for (int i = 0; i < kMeasures; ++i) {
      const auto at = static_cast<std::size_t>(i);
      report_.rates[at].add(sums.part[at], sums.whole[at]);
    }
  }

  ScenesReport finish() {
    guesses_.fill(report_.guess);
    return std::move(report_);
  }

 private:
  void ask_text(const data::Scene& scene, const std::vector<data::Question>& questions,
                const EncodedImage& image, Sums& sums) {
    std::vector<const data::Question*> asked;
    std::vector<std::string> texts;
    for (const data::Question& question : questions) {
      if (!is_text(question.kind)) continue;
      asked.push_back(&question);
      texts.push_back(options_.plain ? question.plain : question.text);
    }
    if (texts.empty()) return;
    QueryOptions query;
    query.max_tokens = 40;
    const std::vector<QueryResult> results = model_.query_all(image, texts, query);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const bool right = judge(*asked[i], results[i].answer, sums);
      if (options_.on_answer) options_.on_answer(scene.key.index, *asked[i], results[i].answer, right);
    }
  }

  bool judge(const data::Question& question, const std::string& said, Sums& sums) {
    switch (question.kind) {
      case Kind::kExist:
        return judge_exist(question, said, sums);
      case Kind::kCount: {
        const bool right = read_count(said) == static_cast<int>(question.targets.size());
        if (!question.targets.empty()) {  // 1 to 5: the measure leaves zero out
          sums.add(Measure::kCount, right);
          guesses_.add(Measure::kCount, question.short_answer);
        }
        return right;
      }
      case Kind::kName: {
        const bool right = names(said, question.label);
        sums.add(Measure::kName, right);
        guesses_.add(Measure::kName, question.short_answer);
        return right;
      }
      case Kind::kColour: {
        const bool right = names_colour(said, question.short_answer);
        sums.add(Measure::kColour, right);
        guesses_.add(Measure::kColour, question.short_answer);
        return right;
      }
      case Kind::kRelation: {
        if (question.label >= 0) return names(said, question.label);  // "What is above the cup?"
        const bool right = read_side(said) == question.short_answer;
        sums.add(Measure::kRelation, right);
        // Which two words are to choose from stands in the question.
        const bool first = question.short_answer == "left" || question.short_answer == "above";
        guesses_.add(Measure::kRelation, first ? "first" : "second");
        return right;
      }
      case Kind::kPremise: {
        const bool right = is_refusal(said);
        sums.add(Measure::kPremise, right);
        return right;
      }
      default:
        return said == question.answer;
    }
  }

  bool judge_exist(const data::Question& question, const std::string& said, Sums& sums) {
    const std::optional<bool> yes = read_yes_no(said);
    const bool right = yes.has_value() && *yes == question.positive;
    sums.add(Measure::kExist, right);
    sums.add(Measure::kExistYesRatio, yes == true);
    if (!question.positive) sums.add(Measure::kAbsentYes, yes == true);
    guesses_.add(Measure::kExist, question.positive ? "yes" : "no");
    return right;
  }

  bool names(const std::string& said, int label) const {
    const std::vector<data::Mention> named = seen_things(said, labels_);
    return !named.empty() && named.front().label == label;
  }

  void look_at_caption(const data::Scene& scene, const data::Question& question, const EncodedImage& image,
                       Sums& sums) {
    static constexpr std::string_view kLengths[] = {"short", "normal", "long"};
    const std::vector<std::string>& known = model_.info().caption_lengths;
    const std::string_view length = kLengths[static_cast<std::size_t>(question.length)];
    if (std::find(known.begin(), known.end(), length) == known.end()) return;
    CaptionOptions caption;
    caption.length = question.length;
    caption.max_tokens = 200;
    const std::string said = model_.caption(image, caption).caption;
    std::set<int> named, truth;
    for (const data::Mention& one : seen_things(said, labels_)) named.insert(one.label);
    for (const data::SceneObject& object : scene.objects) truth.insert(object.label);
    const auto both =
        std::count_if(named.begin(), named.end(), [&](int label) { return truth.contains(label); });
    const auto hits = static_cast<double>(both);
    sums.add(Measure::kCaptionPrecision, hits, static_cast<double>(named.size()));
    sums.add(Measure::kCaptionRecall, hits, static_cast<double>(truth.size()));
    if (options_.on_answer) options_.on_answer(scene.key.index, question, said, named == truth);
  }

  static std::vector<Box> truth_boxes(const data::Scene& scene, const data::Question& question) {
    std::vector<Box> boxes;
    for (const int target : question.targets) boxes.push_back(data::unit_box(scene, target));
    return boxes;
  }

  void detect(const data::Scene& scene, const data::Question& question, const EncodedImage& image,
              Sums& sums) {
    const std::vector<Box> found = model_.detect(image, question.text), truth = truth_boxes(scene, question);
    const Matches matches = match_boxes(found, truth);
    if (question.positive) {
      sums.add(Measure::kDetectF1, 2.0 * matches.hits, matches.found + matches.truth);
      const Box middle{0.32, 0.32, 0.68, 0.68};
      guesses_.add_middle(Measure::kDetectF1, match_boxes(std::span(&middle, 1), truth));
    } else {
      sums.add(Measure::kAbsentBoxes, !found.empty());
    }
    tell(scene, question, matches);
  }

  void point(const data::Scene& scene, const data::Question& question, const EncodedImage& image,
             Sums& sums) {
    const std::vector<Point> found = model_.point(image, question.text);
    const std::vector<Box> truth = truth_boxes(scene, question);
    const Matches matches = match_points(found, truth);
    if (question.positive) {
      sums.add(Measure::kPoint, matches.hits, matches.truth);
      const Point middle{0.5, 0.5};
      guesses_.add_middle(Measure::kPoint, match_points(std::span(&middle, 1), truth));
    }
    tell(scene, question, matches);
  }

  void tell(const data::Scene& scene, const data::Question& question, const Matches& matches) const {
    if (!options_.on_answer) return;
    options_.on_answer(scene.key.index, question,
                       std::to_string(matches.hits) + " of " + std::to_string(matches.truth) + ", " +
                           std::to_string(matches.found) + " given",
                       matches.hits == matches.truth && matches.found == matches.truth);
  }

  const Model& model_;
  const data::LabelTable& labels_;
  const ScenesOptions& options_;
  ScenesReport report_;
  Guesses guesses_;
};

}  // namespace

ScenesReport evaluate_scenes(const Model& model, const DrawScene& draw, const data::LabelTable& labels,
                             const ScenesOptions& options) {
  Evaluation evaluation(model, labels, options);
  for (int i = 0; i < options.scenes; ++i) {
    const data::SceneKey key{options.seed, options.split, static_cast<std::uint64_t>(i)};
    data::SceneOptions scene = options.scene;
    scene.repeat = data::repeat_for(key, scene.max_objects);
    evaluation.look_at(draw(key, scene));
    if (options.progress && !options.progress(i + 1)) {
      throw Error(ErrorCode::kCancelled, "stopped after " + std::to_string(i + 1) + " of " +
                                             std::to_string(options.scenes) + " scenes");
    }
  }
  return evaluation.finish();
}

}  // namespace moonbeam::eval

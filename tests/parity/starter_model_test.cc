// The starter model's greedy answers against those of a float32 run of the makers' control flow, on every
// instruction set: trained weights, real picture files, the whole way from pixels to text and bins.
//
// Golden data and bounds: tests/data/starter/README.md section 5.
#include <gtest/gtest.h>

#include <map>
#include <ostream>

#include "image/crops.h"
#include "kernels/kernels.h"
#include "support/golden.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"

namespace moonbeam {
namespace {

using nlohmann::json;
using testing::all_near;
using testing::test_path;

constexpr float kFeatureTolerance = 2e-5f;
constexpr float kHiddenTolerance = 5e-5f;
constexpr float kLogitTolerance = 3e-4f;
// Below this distance to the runner-up a choice may differ.
constexpr double kSafeMargin = 1e-3;
// How far a bin may then be off: tests/data/starter/README.md section 5.
constexpr int kCloseBins = 4;
constexpr int kDim = 192;

const json& samples() {
  static const json data = testing::read_json(test_path("data/starter/samples/expected.json"));
  return data["samples"];
}

std::shared_ptr<const tasks::Engine> engine_for(const std::string& isa) {
  static std::map<std::string, std::shared_ptr<const tasks::Engine>> engines;
  auto& engine = engines[isa];
  if (!engine) engine = tasks::open_engine(test_path("data/starter"), {.threads = 2, .isa = isa});
  return engine;
}

class StarterModel : public ::testing::TestWithParam<std::string> {};

Image load_sample(const json& sample) {
  return load_image(test_path("data/starter/samples/" + sample["file"].get<std::string>()));
}

// {"0": [first six], ...}: the named rows' first values.
void expect_rows(const json& want, std::span<const float> rows, float tolerance, const char* name) {
  for (const auto& [row, values] : want.items()) {
    const auto first = static_cast<std::size_t>(std::stoi(row)) * kDim;
    const auto expected = values.get<std::vector<float>>();
    EXPECT_TRUE(all_near(rows.subspan(first, expected.size()), expected, tolerance))
        << name << " row " << row;
  }
}

TEST(StarterModelCrops, SumsMatch) {
  for (const json& sample : samples()) {
    const image::Crops crops = image::overlap_crops(
        load_sample(sample), {.crop_size = 196, .patch_size = 14, .overlap_margin = 2, .max_crops = 1});
    EXPECT_TRUE(crops.tiling.single());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 196 * 196 * 3; ++i) sum += crops.pixels[i];
    EXPECT_EQ(sum, sample["crop0_sum"].get<std::uint64_t>()) << sample["file"];
  }
}

TEST_P(StarterModel, ActivationsMatch) {
  const auto engine = engine_for(GetParam());
  for (const json& sample : samples()) {
    SCOPED_TRACE(sample["file"].get<std::string>());
    std::vector<float> features, embeddings, hidden;
    const tasks::ImageProbe probe{
        .vision =
            [&](std::string_view stage, int, const float* rows, int count, int width) {
              if (stage == "features") features.assign(rows, rows + count * width);
            },
        .embeddings = [&](const float* rows, int count,
                          int width) { embeddings.assign(rows, rows + count * width); },
        .text = [&](int, const float* rows, int count,
                    int width) { hidden.assign(rows, rows + count * width); }};
    const auto encoded = tasks::encode_image(engine, load_sample(sample), {}, probe);
    EXPECT_EQ(encoded->prefix.size(), 50);
    expect_rows(sample["features"], features, kFeatureTolerance, "features");
    expect_rows(sample["embeddings"], embeddings, kFeatureTolerance, "embeddings");
    expect_rows(sample["prefix_hidden"], hidden, kHiddenTolerance, "prefix_hidden");
    tasks::Runner runner(*engine);
    std::vector<float> logits(1024);
    runner.decoder().logits(hidden.data() + 49 * kDim, 1, logits.data());
    for (const json& top : sample["prefix_logits_top4"]) {
      EXPECT_NEAR(logits[top[0].get<std::size_t>()], top[1].get<float>(), kLogitTolerance);
    }
  }
}

std::vector<int> ids_of(const std::vector<tasks::Token>& tokens) {
  std::vector<int> ids;
  for (const auto& token : tokens) ids.push_back(std::get<tasks::TextToken>(token).id);
  return ids;
}

std::vector<tasks::Token> prompt_for(const tasks::Engine& engine, const std::string& task,
                                     const std::string& arg) {
  if (task == "caption") {
    return tasks::caption_prompt(engine, arg == "short"  ? CaptionLength::kShort
                                         : arg == "long" ? CaptionLength::kLong
                                                         : CaptionLength::kNormal);
  }
  if (task == "query") return tasks::query_prompt(engine, arg, {}, false);
  return task == "detect" ? tasks::detect_prompt(engine, arg) : tasks::point_prompt(engine, arg);
}

/// What was compared, and how: a margin that is small everywhere must not make the test compare nothing.
struct Compared {
  int exact_texts = 0, close_texts = 0;      // close: a choice may differ, nothing is compared
  int exact_answers = 0, close_answers = 0;  // of detect and point, those without objects are exact
  int exact_objects = 0, close_objects = 0;  // close: bins within kCloseBins

  bool operator==(const Compared&) const = default;
};

void PrintTo(const Compared& c, std::ostream* out) {
  *out << "texts " << c.exact_texts << "+" << c.close_texts << ", answers " << c.exact_answers << "+"
       << c.close_answers << ", objects " << c.exact_objects << "+" << c.close_objects;
}

void expect_text(tasks::Runner& runner, tasks::Sequence& sequence, const json& want, Compared& compared) {
  const auto text = tasks::generate_text(runner, sequence, {.max_tokens = 128});
  if (want["min_margin"].get<double>() <= kSafeMargin) {
    ++compared.close_texts;
    return;
  }
  EXPECT_EQ(text.ids, want["ids"].get<std::vector<int>>());
  EXPECT_EQ(text.text, want["text"].get<std::string>());
  ++compared.exact_texts;
}

void expect_place(const tasks::DecodedObject& object, const json& want, bool detect) {
  if (!detect) {
    EXPECT_NEAR(object.x, want["x"].get<double>(), 1e-6);
    EXPECT_NEAR(object.y, want["y"].get<double>(), 1e-6);
    return;
  }
  const Box box = tasks::to_box(object);
  EXPECT_NEAR(box.x_min, want["x_min"].get<double>(), 2e-6);
  EXPECT_NEAR(box.y_min, want["y_min"].get<double>(), 2e-6);
  EXPECT_NEAR(box.x_max, want["x_max"].get<double>(), 2e-6);
  EXPECT_NEAR(box.y_max, want["y_max"].get<double>(), 2e-6);
}

// Bin margins are small by nature: the training targets were smoothed over neighbouring bins. Below the safe
// margin a bin may be a few off; the number of objects may not: every margin at an object's start is above
// 0.5.
void expect_objects(tasks::Runner& runner, tasks::Sequence& sequence, const json& want, bool detect,
                    Compared& compared) {
  const auto objects = tasks::decode_objects(runner, sequence, detect, 50);
  ASSERT_GT(want["min_end_margin"].get<double>(), kSafeMargin);
  ASSERT_EQ(objects.size(), want["bins"].size());
  const bool exact = objects.empty() || want["min_bin_margin"].get<double>() > kSafeMargin;
  ++(exact ? compared.exact_answers : compared.close_answers);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto bins = want["bins"][i].get<std::vector<int>>();
    ASSERT_EQ(objects[i].bins.size(), bins.size());
    for (std::size_t b = 0; b < bins.size(); ++b)
      EXPECT_NEAR(objects[i].bins[b], bins[b], exact ? 0 : kCloseBins);
    if (objects[i].bins == bins) expect_place(objects[i], want[detect ? "objects" : "points"][i], detect);
    ++(exact ? compared.exact_objects : compared.close_objects);
  }
}

TEST_P(StarterModel, AnswersMatch) {
  const auto engine = engine_for(GetParam());
  tasks::Runner runner(*engine);
  Compared compared;
  for (const json& sample : samples()) {
    const auto encoded = tasks::encode_image(engine, load_sample(sample), {});
    for (const json& want : sample["requests"]) {
      const auto task = want["task"].get<std::string>();
      const auto arg = want["arg"].get<std::string>();
      SCOPED_TRACE(sample["file"].get<std::string>() + " " + task + " " + arg);
      const auto prompt = prompt_for(*engine, task, arg);
      ASSERT_EQ(ids_of(prompt), want["prompt_ids"].get<std::vector<int>>());
      tasks::Sequence sequence = tasks::continue_image(*engine, *encoded);
      runner.advance(sequence, prompt);
      if (want.contains("ids")) {
        expect_text(runner, sequence, want, compared);
      } else {
        expect_objects(runner, sequence, want, task == "detect", compared);
      }
    }
  }
  // Fixed by expected.json: 120 texts and 80 answers of places.
  EXPECT_EQ(compared, (Compared{.exact_texts = 120,
                                .close_texts = 0,
                                .exact_answers = 75,
                                .close_answers = 5,
                                .exact_objects = 26,
                                .close_objects = 6}));
}

// ------------------------------------------------------------------ the other modes, on the same answers

/// Answers of places agree where there are as many of them and each is within a few bins of the expected one.
bool agrees(const std::vector<tasks::DecodedObject>& got, const json& want) {
  if (got.size() != want["bins"].size()) return false;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto bins = want["bins"][i].get<std::vector<int>>();
    if (got[i].bins.size() != bins.size()) return false;
    for (std::size_t b = 0; b < bins.size(); ++b) {
      if (std::abs(got[i].bins[b] - bins[b]) > kCloseBins) return false;
    }
  }
  return true;
}

struct ModeRow {
  Mode mode;
  double least;  ///< share of the answers that agree
};
constexpr ModeRow kModes[] = {{Mode::kBF16, 0.99}, {Mode::kInt8, 0.97}, {Mode::kInt4, 0.90}};

TEST_P(StarterModel, AnswersAgreeInEveryMode) {
  for (const ModeRow& row : kModes) {
    const auto engine =
        tasks::open_engine(test_path("data/starter"), {.mode = row.mode, .threads = 2, .isa = GetParam()});
    tasks::Runner runner(*engine);
    int answers = 0, same = 0;
    for (const json& sample : samples()) {
      const auto encoded = tasks::encode_image(engine, load_sample(sample), {});
      for (const json& want : sample["requests"]) {
        const auto task = want["task"].get<std::string>();
        tasks::Sequence sequence = tasks::continue_image(*engine, *encoded);
        runner.advance(sequence, prompt_for(*engine, task, want["arg"].get<std::string>()));
        ++answers;
        if (want.contains("ids")) {
          const auto text = tasks::generate_text(runner, sequence, {.max_tokens = 128});
          same += text.ids == want["ids"].get<std::vector<int>>() ? 1 : 0;
        } else {
          same += agrees(tasks::decode_objects(runner, sequence, task == "detect", 50), want) ? 1 : 0;
        }
      }
    }
    EXPECT_EQ(answers, 200);
    EXPECT_GE(same, row.least * answers) << mode_name(row.mode);
    RecordProperty(std::string(mode_name(row.mode)), same);
  }
}

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const auto* table : kernels::runnable_kernels()) names.emplace_back(table->isa);
  return names;
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, StarterModel, ::testing::ValuesIn(isas()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace moonbeam

// Gaze end to end, on the parity model with the moonbeam key `gaze` set: prompt, forced and unforced answers,
// and the mean of many guesses.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/test_folder.h"
#include "tasks/gaze.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"

namespace moonbeam {
namespace {

const std::string kTests = std::string(MOONBEAM_SOURCE_DIR) + "/tests/";
constexpr Point kEye{0.25, 0.5};
constexpr Box kFace{0.2, 0.3, 0.5, 0.7};

std::shared_ptr<const tasks::Engine> open_with_gaze() {
  const base::TestFolder folder;
  const std::string tiny = kTests + "goldens/tiny/";
  for (const char* name : {"model.safetensors", "tokenizer.json"})
    std::filesystem::copy_file(tiny + name, folder / name);
  std::ifstream in(tiny + "config.json");
  nlohmann::json config = nlohmann::json::parse(in);
  config["moonbeam"]["gaze"] = true;
  folder.put("config.json", config.dump());
  return tasks::open_engine(folder.path(), {.threads = 2});
}

std::shared_ptr<const tasks::Engine> engine() {
  static const auto engine = open_with_gaze();
  return engine;
}

const Model& model() {
  static const Model model(std::make_shared<Model::Impl>(Model::Impl{engine()}));
  return model;
}

Image picture() {
  return load_image(kTests + "goldens/images/tiny_40x30.png");
}

const EncodedImage& encoded() {
  static const EncodedImage encoded = model().encode_image(picture());
  return encoded;
}

tasks::Sequence ask(tasks::Runner& runner) {
  tasks::Sequence sequence = tasks::continue_image(*engine(), encoded().impl());
  runner.advance(sequence, tasks::gaze_prompt(*engine(), kEye));
  return sequence;
}

TEST(Gaze, IsRefusedByAModelWhoseConfigurationDoesNotNameIt) {
  const Model without = Model::load(kTests + "data/starter", {.threads = 2});
  EXPECT_FALSE(without.info().can_gaze);
  EXPECT_TRUE(model().info().can_gaze);
  const EncodedImage image = without.encode_image(picture());
  try {
    without.detect_gaze(image, kEye);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.what();
  }
}

TEST(Gaze, PromptHoldsTheEyeBetweenItsTexts) {
  const auto prompt = tasks::gaze_prompt(*engine(), kEye);
  const auto before = engine()->tokenizer.encode("\n\nPoint:", false);
  const auto after = engine()->tokenizer.encode(" gaze\n\n", false);
  ASSERT_EQ(prompt.size(), before.size() + 2 + after.size());
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(std::get<tasks::TextToken>(prompt[i]).id, before[i]);
  EXPECT_EQ(std::get<tasks::CoordToken>(prompt[before.size()]).value, 0.25f);
  EXPECT_EQ(std::get<tasks::CoordToken>(prompt[before.size() + 1]).value, 0.5f);
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_EQ(std::get<tasks::TextToken>(prompt[before.size() + 2 + i]).id, after[i]);
}

TEST(Gaze, IsTheFirstPointOfThePromptOrNone) {
  tasks::Runner runner(*engine());
  tasks::Sequence sequence = ask(runner);
  const auto points = tasks::decode_objects(runner, sequence, false, 1);
  const auto gaze = model().detect_gaze(encoded(), kEye);
  ASSERT_EQ(gaze.has_value(), !points.empty());
  if (gaze) {
    EXPECT_EQ(gaze->x, points[0].x);
    EXPECT_EQ(gaze->y, points[0].y);
  }
}

TEST(Gaze, ForcedGivesAPointEvenWhereTheModelSaysNobodyLooks) {
  tasks::Runner runner(*engine());
  tasks::Sequence sequence = ask(runner);
  sequence.logits[static_cast<std::size_t>(engine()->prompts().eos)] = 1e6f;
  EXPECT_TRUE(tasks::decode_objects(runner, sequence, false, 1).empty());
  const auto point = tasks::decode_point(runner, sequence);
  const auto forced = model().detect_gaze(encoded(), kEye, {.force_detect = true});
  ASSERT_TRUE(forced.has_value());
  EXPECT_EQ(forced->x, point.x);
  EXPECT_EQ(forced->y, point.y);
}

TEST(Gaze, FromAFaceRepeatsItselfForTheSameSeed) {
  const Image image = picture();
  const auto look = [&](std::uint64_t seed) {
    return model().detect_gaze(image, kFace, {.force_detect = true, .seed = seed});
  };
  const auto first = look(7), again = look(7), other = look(8);
  ASSERT_TRUE(first && again && other);
  EXPECT_EQ(first->x, again->x);
  EXPECT_EQ(first->y, again->y);
  EXPECT_TRUE(first->x != other->x || first->y != other->y);
  EXPECT_TRUE(first->x >= 0 && first->x <= 1 && first->y >= 0 && first->y <= 1);
}

TEST(Gaze, RefusesEyesAndFacesOutsideThePicture) {
  EXPECT_THROW(model().detect_gaze(encoded(), Point{1.5, 0.5}), Error);
  for (const Box& face : {Box{-0.1, 0, 0.5, 0.5}, Box{0.5, 0, 0.4, 0.5}, Box{0, 0, 0.5, 1.1}})
    EXPECT_THROW(model().detect_gaze(picture(), face), Error);
}

}  // namespace
}  // namespace moonbeam

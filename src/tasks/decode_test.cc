// The decode loops where the reference has traps: what starts an object, from when on tokens are suppressed,
// which position a coordinate is read from. Logits are forced where the model's own would not lead there.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <algorithm>
#include <limits>

#include "region/region.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"
#include "text/sampler.h"

namespace moonbeam::tasks {
namespace {

const std::string kTests = std::string(MOONBEAM_SOURCE_DIR) + "/tests/";
constexpr int kEos = 0, kAnswer = 3, kCoord = 5, kWord = 100;  // of both models

std::shared_ptr<const Engine> starter() {
  static const auto engine = open_engine(kTests + "data/starter", {.threads = 2});
  return engine;
}

// The parity model: its weights mean nothing, so that every path is as likely as any other.
class Decode : public ::testing::Test {
 protected:
  static std::shared_ptr<const Engine> engine() {
    static const auto engine = open_engine(kTests + "goldens/tiny", {.threads = 2});
    return engine;
  }
  static const EncodedImage::Impl& picture() {
    static const auto picture =
        encode_image(engine(), load_image(kTests + "goldens/images/tiny_40x30.png"), {});
    return *picture;
  }
  Sequence ask(const std::vector<Token>& prompt) {
    Sequence sequence = continue_image(*engine(), picture());
    runner_.advance(sequence, prompt);
    return sequence;
  }
  int bin_of(const std::vector<float>& hidden) {
    std::vector<float> logits(static_cast<std::size_t>(engine()->config().region->coord_out_dim));
    region::decode_coordinate(runner_.context(), *engine()->model->region, hidden.data(), 1, logits.data());
    return text::argmax(logits);
  }
  int objects(std::vector<std::pair<int, float>> forced, ObjectStart start) {
    Sequence sequence = ask(point_prompt(*engine(), "dog"));
    std::fill(sequence.logits.begin(), sequence.logits.end(), -1.0f);
    for (const auto& [id, logit] : forced) sequence.logits[static_cast<std::size_t>(id)] = logit;
    return static_cast<int>(decode_objects(runner_, sequence, false, 1, {}, {}, start).size());
  }

  Runner runner_{*engine()};
};

// ------------------------------------------------------------------------------- sizes that look alike

TEST(Grid, IsThePatchesOfACropAndNotTheLayers) {
  const vision::VisionConfig& vision = starter()->config().vision;
  ASSERT_EQ(vision.layers, 6);  // both are 27 in the published models
  EXPECT_EQ(vision.grid_side(), 14);
  EXPECT_EQ(vision.image_tokens(), 49);
  const auto encoded = encode_image(starter(), load_image(kTests + "data/starter/samples/s1.png"), {});
  EXPECT_EQ(encoded->prefix.size(), 50);
}

// ------------------------------------------------------------------------------- objects

TEST_F(Decode, AnyTokenButTheEndStartsAnObjectAsInTheReference) {
  EXPECT_EQ(objects({{kWord, 3.0f}, {kEos, 2.0f}, {kCoord, 1.0f}}, ObjectStart::kAnyToken), 1);
  EXPECT_EQ(objects({{kWord, 2.0f}, {kEos, 3.0f}, {kCoord, 1.0f}}, ObjectStart::kAnyToken), 0);
}

TEST_F(Decode, WithOnlyObjectsTheCoordinateTokenHasToBeatTheEnd) {
  EXPECT_EQ(objects({{kWord, 3.0f}, {kEos, 2.0f}, {kCoord, 1.0f}}, ObjectStart::kCoordOnly), 0);
  EXPECT_EQ(objects({{kWord, 3.0f}, {kEos, 1.0f}, {kCoord, 2.0f}}, ObjectStart::kCoordOnly), 1);
  EXPECT_EQ(objects({{kEos, 2.0f}, {kCoord, 2.0f}}, ObjectStart::kCoordOnly), 0);  // the lower id wins a tie
}

TEST_F(Decode, LogitsThatAreNoNumbersAreRefusedWhateverStartsAnObject) {
  for (const ObjectStart start : {ObjectStart::kAnyToken, ObjectStart::kCoordOnly})
    EXPECT_THROW(objects({{kWord, std::numeric_limits<float>::quiet_NaN()}}, start), Error);
}

TEST_F(Decode, OnlyObjectsEndsTheListAtTheFirstStepWhereTheEndIsAhead) {
  const auto prompt = detect_prompt(*engine(), "dog");
  std::size_t expected = 0;  // objects before the end was ahead of the coordinate token
  bool ended = false;
  Sequence sequence = ask(prompt);
  const auto all =
      decode_objects(runner_, sequence, true, 12, {}, [&](char kind, std::span<const float> row) {
        if (kind != 't' || ended) return;
        ended = row[kCoord] <= row[kEos];
        if (!ended) ++expected;
      });
  const Model model(std::make_shared<Model::Impl>(Model::Impl{engine()}));
  const EncodedImage encoded(
      encode_image(engine(), load_image(kTests + "goldens/images/tiny_40x30.png"), {}));
  EXPECT_EQ(model.detect(encoded, "dog", {.max_objects = 12}).size(), all.size());
  EXPECT_EQ(model.detect(encoded, "dog", {.max_objects = 12, .only_objects = true}).size(),
            std::min(expected, all.size()));
}

TEST(OnlyObjects, ChangesNothingForAModelThatWasTrainedToSayCoordinates) {
  const Model model(std::make_shared<Model::Impl>(Model::Impl{starter()}));
  const EncodedImage encoded = model.encode_image(load_image(kTests + "data/starter/samples/s1.png"));
  for (const char* object : {"apple", "dog", "banana"}) {
    const auto boxes = model.detect(encoded, object);
    const auto masked = model.detect(encoded, object, {.only_objects = true});
    ASSERT_EQ(boxes.size(), masked.size()) << object;
    for (std::size_t i = 0; i < boxes.size(); ++i) EXPECT_EQ(boxes[i].x_min, masked[i].x_min);
  }
}

TEST_F(Decode, CoordinatesOfThePublishedDivisorNeverReachTheRightEdge) {
  const region::RegionConfig& config = *engine()->config().region;
  ASSERT_EQ(config.coord_divisor, 1024);
  EXPECT_EQ(region::bin_to_coordinate(config, config.coord_out_dim - 1), 1023.0f / 1024.0f);
  EXPECT_EQ(region::bin_to_coordinate(*starter()->config().region, 1023), 1.0f);  // ours does
  Sequence sequence = ask(point_prompt(*engine(), "dog"));
  const auto points = decode_objects(runner_, sequence, false, 12);
  ASSERT_FALSE(points.empty());
  for (const auto& point : points) {
    EXPECT_EQ(point.x, static_cast<float>(point.bins[0]) / 1024.0f);
    EXPECT_EQ(point.y, static_cast<float>(point.bins[1]) / 1024.0f);
  }
}

// ------------------------------------------------------------------------------- reasoning and suppression

TEST_F(Decode, ReasoningThatBeginsWithACoordinateReadsTheLastPosition) {
  const auto prompt = query_prompt(*engine(), "How many?", {}, true);
  ASSERT_GT(prompt.size(), 1u);
  Sequence first = ask({prompt.front()});
  Sequence sequence = ask(prompt);
  const int expected = bin_of(sequence.hidden);
  ASSERT_NE(bin_of(first.hidden), expected);  // else the test could not tell them apart
  sequence.logits[kCoord] = 1e6f;
  QueryOptions options;
  options.max_tokens = 6;
  const auto thought = generate_reasoning(runner_, sequence, options);
  ASSERT_FALSE(thought.bins.empty());
  EXPECT_EQ(thought.bins.front(), expected);
  EXPECT_EQ(thought.ids.size() + thought.bins.size(), 6u);
}

TEST_F(Decode, TheAnswerTokenIsSuppressedFromTheSecondTokenOn) {
  ASSERT_TRUE(engine()->prompts().suppress_answer);
  ASSERT_EQ(engine()->prompts().answer, kAnswer);
  Sequence sequence = ask(caption_prompt(*engine(), CaptionLength::kNormal));
  // Before each choice the model is made to want nothing but the answer token.
  const auto text = generate_text(runner_, sequence, {.max_tokens = 4},
                                  [&](std::span<const float>) { sequence.logits[kAnswer] = 1e6f; });
  ASSERT_GE(text.ids.size(), 2u);
  EXPECT_EQ(text.ids.front(), kAnswer);
  EXPECT_EQ(std::count(text.ids.begin(), text.ids.end(), kAnswer), 1);
}

TEST_F(Decode, ReasoningMayBeginWithTheEndTokenForSuppressionStartsLater) {
  Sequence sequence = ask(query_prompt(*engine(), "How many?", {}, true));
  sequence.logits[kEos] = 1e6f;
  QueryOptions options;
  options.max_tokens = 6;
  const auto thought = generate_reasoning(runner_, sequence, options);
  ASSERT_FALSE(thought.ids.empty());
  EXPECT_EQ(thought.ids.front(), kEos);
  EXPECT_EQ(std::count(thought.ids.begin(), thought.ids.end(), kEos), 1);
}

// ------------------------------------------------------------------------------- memory that holds nothing

// NaN in all places of the last block that hold no position.
void poison(text::KvCache& cache, int layer, int heads, int width) {
  const int first = cache.size() % kernels::kKeyBlock;
  if (cache.precision() == ops::Precision::kF32) {
    std::vector<kernels::MutableKeyBlock> blocks;
    cache.writable_blocks(layer, blocks);
    for (int position = first; position < kernels::kKeyBlock; ++position) {
      for (int i = 0; i < heads * width; ++i) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        blocks.back().k[i * kernels::kKeyBlock + position] = nan;
        blocks.back().v[((i / width) * kernels::kKeyBlock + position) * width + i % width] = nan;
      }
    }
    return;
  }
  constexpr std::uint16_t kNan = 0x7fc0;
  std::vector<kernels::MutableKeyBlock16> blocks;
  cache.writable_blocks(layer, blocks);
  for (int head = 0; head < heads; ++head) {
    std::uint16_t* k = blocks.back().k + static_cast<std::size_t>(head) * kernels::key_elements(width);
    std::uint16_t* v = blocks.back().v + static_cast<std::size_t>(head) * kernels::value_elements(width);
    for (int position = first; position < kernels::kKeyBlock; ++position) {
      for (int i = 0; i < width; ++i) {
        k[(i / 2 * kernels::kKeyBlock + position) * 2 + i % 2] = kNan;
        v[(position / 2 * kernels::value_columns(width) + i) * 2 + position % 2] = kNan;
      }
    }
  }
}

TEST_F(Decode, PositionsBeyondThePastDoNotMatter) {
  const auto prompt = caption_prompt(*engine(), CaptionLength::kShort);
  Sequence clean = ask(prompt);
  Sequence dirty = ask(prompt);
  ASSERT_NE(dirty.cache.size() % kernels::kKeyBlock, 0);
  dirty.cache.extend(1);  // a block of its own, whose rest is not shared
  for (int layer = 0; layer < engine()->config().text.layers; ++layer) {
    poison(dirty.cache, layer, engine()->config().text.heads, engine()->config().text.head_width());
  }
  for (const int id : {kWord, kWord + 1, kWord + 2}) {
    const Token token = TextToken{id};
    runner_.advance(clean, std::span(&token, 1));
    runner_.advance(dirty, std::span(&token, 1));
    ASSERT_EQ(clean.logits, dirty.logits);
    ASSERT_EQ(clean.hidden, dirty.hidden);
  }
}

}  // namespace
}  // namespace moonbeam::tasks

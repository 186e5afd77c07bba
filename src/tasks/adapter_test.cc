// Models with an adapter: in every mode and from every kind of file they are what the merged model is, zeros
// change nothing, and a picture's prefix is not the other's.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <cstring>
#include <string>

#include "model/adapter_testing.h"
#include "tasks/accuracy.h"
#include "tasks/picture_store.h"
#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

using model::testing::adapter_blobs;
using model::testing::adapter_metadata;
using model::testing::Blob;
using model::testing::merge_plainly;
using model::testing::micro_config;
using model::testing::TestFolder;
using model::testing::write_adapter;
using model::testing::write_folder;
using testing::engine;
using testing::model_of;
using testing::sample;

constexpr int kRank = 4;
const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

std::vector<Blob> some_adapter() {
  return adapter_blobs(micro_config(), kRank, 0.4f);
}

std::shared_ptr<const Engine> engine_of(const std::string& path, Mode mode, const std::string& adapter = {}) {
  return open_engine(path, {.mode = mode, .threads = 2, .adapter = adapter, .progress = {}});
}

/// Relative error of the logits, worst of the rest.
double logits_error(const StageValues& reference, const std::shared_ptr<const Engine>& engine) {
  return measure_accuracy(reference, engine).stages.back().error;
}

class WithAdapter : public ::testing::TestWithParam<Mode> {
 protected:
  WithAdapter() {
    write_folder(folder_ / "m", micro_config());
    write_folder(folder_ / "merged", micro_config(), [](auto& list) { merge_plainly(list, some_adapter()); });
    write_adapter(adapter_, some_adapter(), adapter_metadata(kRank));
  }
  TestFolder folder_;
  const std::string adapter_ = folder_ / "a.safetensors";
};
INSTANTIATE_TEST_SUITE_P(Modes, WithAdapter,
                         ::testing::Values(Mode::kF32, Mode::kBF16, Mode::kInt8, Mode::kInt4),
                         [](const auto& mode) { return std::string(mode_name(mode.param)); });

TEST_P(WithAdapter, AModelIsTheMergedOne) {
  const Mode mode = GetParam();
  const StageValues merged = record_stages(engine_of(folder_ / "merged", mode));
  const double effect = logits_error(merged, engine_of(folder_ / "m", mode));
  EXPECT_GT(effect, 0.1);
  // f32 makes the same sums in another order; what is packed may fall to the next step at an edge.
  EXPECT_LT(logits_error(merged, engine_of(folder_ / "m", mode, adapter_)), mode == Mode::kF32 ? 2e-5 : 0.02);
}

class WithAdapterAndPackedFile : public WithAdapter {};
INSTANTIATE_TEST_SUITE_P(Modes, WithAdapterAndPackedFile,
                         ::testing::Values(Mode::kBF16, Mode::kInt8, Mode::kInt4),
                         [](const auto& mode) { return std::string(mode_name(mode.param)); });

TEST_P(WithAdapterAndPackedFile, IsNearTheMergedModel) {
  const Mode mode = GetParam();
  const std::string file = folder_ / "q.gguf";
  quantize_model(folder_ / "m", file, {.mode = mode, .measure = false, .progress = {}});
  const StageValues exact = record_stages(engine_of(folder_ / "merged", Mode::kF32));
  const auto beside = engine_of(file, mode, adapter_);
  EXPECT_TRUE(beside->model->text.blocks[0].adapter.qkv);
  // The products beside packed weights are not rounded: the error is that of the mode alone.
  const double of_mode = logits_error(exact, engine_of(folder_ / "merged", mode));
  EXPECT_LT(logits_error(exact, beside), 1.5 * of_mode);
  // Packed weights in f32 are unpacked, and then merged.
  const auto unpacked = engine_of(file, Mode::kF32, adapter_);
  EXPECT_FALSE(unpacked->model->text.blocks[0].adapter.qkv);
  EXPECT_LT(logits_error(exact, unpacked), 1.5 * of_mode);
}

TEST_P(WithAdapter, TheMakersProductOfAttnProjIsMadeInEveryMode) {
  const std::string block = folder_ / "block.safetensors";
  write_adapter(block, some_adapter(), adapter_metadata(kRank, "block"));
  // The decoder's f32 is held to plain loops in text/adapter_test.cc.
  const StageValues exact = record_stages(engine_of(folder_ / "m", Mode::kF32, block));
  const double other_input = logits_error(exact, engine_of(folder_ / "m", Mode::kF32, adapter_));
  EXPECT_GT(other_input, 0.03);
  const double plain =
      logits_error(record_stages(engine_of(folder_ / "m", Mode::kF32)), engine_of(folder_ / "m", GetParam()));
  EXPECT_LE(logits_error(exact, engine_of(folder_ / "m", GetParam(), block)), 1.5 * plain);
}

TEST_P(WithAdapter, ZerosChangeNoAnswer) {
  std::vector<Blob> zeros = adapter_blobs(engine("starter")->config(), kRank, 0);
  const std::string file = folder_ / "zeros.safetensors";
  write_adapter(file, zeros, {{"proj_input", "attn"}});
  const Model plain = model_of(engine("starter", GetParam())),
              with = model_of(engine_of(kStarter, GetParam(), file));
  for (const char* name : {"s1", "s4"}) {
    const EncodedImage a = plain.encode_image(sample(name)), b = with.encode_image(sample(name));
    EXPECT_EQ(with.caption(b).caption, plain.caption(a).caption);
    EXPECT_EQ(with.query(b, "Is there a dog?").answer, plain.query(a, "Is there a dog?").answer);
    const auto boxes = plain.detect(a, "dog"), same = with.detect(b, "dog");
    ASSERT_EQ(same.size(), boxes.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) EXPECT_EQ(same[i].x_min, boxes[i].x_min);
  }
}

TEST_P(WithAdapter, APictureAskedBothWaysGivesEachItsOwnAnswers) {
  const std::string file = folder_ / "starter.safetensors";
  write_adapter(file, adapter_blobs(engine("starter")->config(), kRank, 2), {{"proj_input", "attn"}});
  const Model plain = model_of(engine("starter", GetParam())),
              with = model_of(engine_of(kStarter, GetParam(), file));
  ImageCache plain_cache(plain, 1 << 26), with_cache(with, 1 << 26);
  const Image picture = sample();
  EXPECT_NE(picture_key(*plain.impl().engine, picture), picture_key(*with.impl().engine, picture));
  const std::string own = plain.caption(plain.encode_image(picture)).caption;
  const std::string changed = with.caption(with.encode_image(picture)).caption;
  EXPECT_NE(own, changed);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(plain.caption(plain_cache.get(picture)).caption, own);
    EXPECT_EQ(with.caption(with_cache.get(picture)).caption, changed);
  }
  EXPECT_EQ(with_cache.stats().hits, 1u);
  // One's picture is not the other's.
  model::testing::expect_error([&] { with.caption(plain_cache.get(picture)); }, ErrorCode::kInvalidArgument,
                               {"another model"});
}

TEST(Adapters, AreNamedInTheInfo) {
  TestFolder folder;
  write_folder(folder / "other", micro_config());
  const std::string file = folder / "a.safetensors";
  write_adapter(file, some_adapter(), adapter_metadata(kRank));
  const Model model = Model::load(folder / "other", {.threads = 1, .adapter = file, .progress = {}});
  EXPECT_EQ(model.info().adapter, file);
  ASSERT_EQ(model.info().warnings.size(), 1u);
  EXPECT_NE(model.info().warnings[0].find("made for 'm', the model is 'other'"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::tasks

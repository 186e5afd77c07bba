// The cache of encoded pictures: same bits as without it, one maker for all who ask, bounds that hold.
#include <moonbeam/cache.h>

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "tasks/prompts.h"
#include "tasks/testing.h"

namespace moonbeam {
namespace {

using tasks::testing::engine;
using tasks::testing::model_of;
using tasks::testing::noise;

std::vector<float> logits(const EncodedImage& image) {
  const tasks::Engine& engine = *image.impl().owner;
  tasks::Runner runner(engine);
  tasks::Sequence sequence = tasks::continue_image(engine, image.impl());
  runner.advance(sequence, tasks::caption_prompt(engine, CaptionLength::kNormal));
  return sequence.logits;
}

class CacheIn : public ::testing::TestWithParam<tasks::testing::Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, CacheIn, tasks::testing::all_settings(), tasks::testing::setting_name);

TEST_P(CacheIn, HitsAndRefillsHaveTheBitsOfAPictureThatIsNew) {
  const Model model = model_of(engine(std::get<0>(GetParam()), std::get<1>(GetParam())));
  const EncodedImage fresh = model.encode_image(noise(1));
  const std::size_t embeddings = static_cast<std::size_t>(model.info().image_tokens) * sizeof(float) *
                                 static_cast<std::size_t>(fresh.impl().owner->config().text.dim);
  const std::size_t room = fresh.bytes() + 2 * embeddings;  // one picture with its own, and another's
  ImageCache cache(model, room);
  const auto expected = logits(fresh);
  EXPECT_EQ(logits(cache.get(noise(1))), expected);  // miss
  const EncodedImage hit = cache.get(noise(1));
  EXPECT_EQ(logits(hit), expected);
  EXPECT_EQ(&hit.impl(), &cache.get(noise(1)).impl());
  cache.get(noise(2));  // pushes the first one out
  const EncodedImage refilled = cache.get(noise(1));
  EXPECT_NE(&refilled.impl(), &hit.impl());
  EXPECT_EQ(logits(refilled), expected);
  EXPECT_EQ(refilled.height(), 30);
  EXPECT_EQ(refilled.crops(), fresh.crops());
  const ImageCacheStats stats = cache.stats();
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.hits, 2u);
  EXPECT_EQ(stats.refills, 1u);
  EXPECT_LE(stats.bytes, room);
  EXPECT_EQ(stats.budget, room);
}

TEST(ImageCache, APictureLargerThanTheBudgetIsAnsweredAndNotKept) {
  const Model model = model_of(engine("starter"));
  ImageCache cache(model, 1);
  EXPECT_EQ(logits(cache.get(noise(1))), logits(model.encode_image(noise(1))));
  EXPECT_FALSE(cache.find(noise(1)));
  cache.get(noise(1));
  EXPECT_EQ(cache.stats().misses, 2u);
  EXPECT_EQ(cache.stats().bytes, 0u);
}

TEST(ImageCache, CountsWhatItKeepsAndForgetsItAll) {
  const Model model = model_of(engine("starter"));
  ImageCache cache(model, 1u << 30);
  const EncodedImage image = cache.get(noise(1));
  const std::size_t embeddings = 49 * 192 * sizeof(float);
  EXPECT_EQ(model.info().image_tokens, 49);
  EXPECT_EQ(image.impl().owner->config().text.dim, 192);
  EXPECT_EQ(cache.stats().bytes, image.bytes() + embeddings);
  EXPECT_EQ(cache.stats().pictures, 1u);
  EXPECT_TRUE(cache.find(noise(1)));
  cache.clear();
  EXPECT_FALSE(cache.find(noise(1)));
  EXPECT_EQ(cache.stats().bytes, 0u);
  EXPECT_EQ(image.prefix_tokens(), 50);  // still there for whoever holds it
}

TEST(ImageCache, ManyWhoAskForTheSamePictureAtOnceEncodeItOnce) {
  const Model model = model_of(engine("starter"));
  ImageCache cache(model, 1u << 30);
  std::vector<std::optional<EncodedImage>> got(6);
  std::vector<std::thread> threads;
  for (auto& image : got) threads.emplace_back([&] { image = cache.get(noise(5)); });
  for (auto& thread : threads) thread.join();
  for (const auto& image : got) EXPECT_EQ(&image->impl(), &got[0]->impl());
  EXPECT_EQ(cache.stats().misses, 1u);
  EXPECT_EQ(cache.stats().hits, 5u);
}

// The one who makes the picture gives up: one of those who wait makes it, and is not told of the other's end.
TEST(ImageCache, OneWhoGivesUpDoesNotTakeTheOthersAlong) {
  const Model model = model_of(engine("starter"));
  ImageCache cache(model, 1u << 30);
  std::atomic<bool> making{false}, waiting{false}, leave{false};
  std::thread maker([&] {
    EXPECT_THROW(cache.get(noise(6),
                           [&](const Progress&) {
                             making = true;
                             while (!waiting) std::this_thread::yield();
                             return false;
                           }),
                 Error);
  });
  while (!making) std::this_thread::yield();
  std::thread impatient([&] {
    EXPECT_THROW(cache.get(noise(6),
                           [&](const Progress&) {
                             leave = true;
                             return false;
                           }),
                 Error);
  });
  while (!leave) std::this_thread::yield();  // it was told about the maker's work, and left
  impatient.join();
  std::optional<EncodedImage> image;
  std::thread patient([&] {
    image = cache.get(noise(6), [&](const Progress&) {
      waiting = true;
      return true;
    });
  });
  maker.join();
  patient.join();
  ASSERT_TRUE(image);
  EXPECT_EQ(logits(*image), logits(model.encode_image(noise(6))));
  EXPECT_EQ(cache.stats().misses, 2u);
}

TEST(ImageCache, AFileThatIsKnownIsNotDecodedAgain) {
  const Model model = model_of(engine("starter"));
  ImageCache cache(model, 1u << 30);
  std::ifstream file(tasks::testing::kTests + "data/starter/samples/s1.png", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto bytes = std::as_bytes(std::span(text));
  const EncodedImage image = cache.get(bytes);
  EXPECT_EQ(&cache.get(tasks::testing::sample()).impl(), &image.impl());
  // Decoding would break this limit.
  EXPECT_EQ(&cache.get(bytes, {.max_side = 1}).impl(), &image.impl());
  EXPECT_EQ(cache.stats().misses, 1u);
  cache.clear();
  EXPECT_THROW(cache.get(bytes, {.max_side = 1}), Error);
  EXPECT_THROW(cache.get(bytes.first(10)), Error);
  EXPECT_THROW(cache.get(Image{}), Error);
}

}  // namespace
}  // namespace moonbeam

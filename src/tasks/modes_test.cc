// In every packed mode a greedy answer is the same for any number of threads and in any batch, to the bit.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/mode.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/prompts.h"
#include "text/sampler.h"

namespace moonbeam::tasks {
namespace {

const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

std::vector<int> greedy(const std::shared_ptr<const Engine>& engine, Sequence sequence,
                        const std::vector<Token>& prompt) {
  Runner runner(*engine);
  runner.advance(sequence, prompt);
  return generate_text(runner, sequence, {.max_tokens = 24}).ids;
}

/// `copies` twins of the sequence decoded together: the ids of the last one.
std::vector<int> greedy_in_a_batch(const std::shared_ptr<const Engine>& engine,
                                   const EncodedImage::Impl& image, const std::vector<Token>& prompt,
                                   int copies) {
  Runner runner(*engine);
  std::vector<Sequence> sequences;
  for (int i = 0; i < copies; ++i) {
    sequences.push_back(continue_image(*engine, image));
    runner.advance(sequences.back(), prompt);
  }
  std::vector<int> ids;
  for (int step = 0; step < 24; ++step) {
    const int id = text::argmax(sequences.back().logits);
    for (const Sequence& sequence : sequences) EXPECT_EQ(text::argmax(sequence.logits), id);
    if (id == engine->prompts().eos) break;
    ids.push_back(id);
    const Token token = TextToken{id};
    std::vector<Feed> feeds;
    for (Sequence& sequence : sequences) feeds.push_back({&sequence, std::span(&token, 1)});
    runner.advance(feeds);
  }
  return ids;
}

TEST(Modes, GreedyAnswersAreTheSameForAnyThreadsAndBatch) {
  const Image picture = load_image(kStarter + "/samples/s1.png");
  for (const Mode mode : {Mode::kBF16, Mode::kInt8, Mode::kInt4}) {
    std::vector<int> want;
    for (const int threads : {1, 2}) {
      const auto engine =
          open_engine(kStarter, {.mode = mode, .threads = threads, .isa = {}, .progress = {}});
      const auto image = encode_image(engine, picture, {});
      const std::vector<Token> prompt = caption_prompt(*engine, CaptionLength::kLong);
      const std::vector<int> ids = greedy(engine, continue_image(*engine, *image), prompt);
      EXPECT_GT(ids.size(), 5u);
      if (want.empty()) want = ids;
      EXPECT_EQ(ids, want) << mode_name(mode) << ", " << threads << " threads";
      for (const int copies : {1, 2, 3, 4, 8, 16}) {
        EXPECT_EQ(greedy_in_a_batch(engine, *image, prompt, copies), want)
            << mode_name(mode) << ", batch " << copies;
      }
    }
  }
}

}  // namespace
}  // namespace moonbeam::tasks

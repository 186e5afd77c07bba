#include "train/tokenizer/bpe_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include <moonbeam/error.h>

#include "base/text.h"
#include "text/bpe.h"
#include "text/tokenizer.h"

namespace moonbeam::train {
namespace {

TokenizerOptions sized(int vocab) {
  TokenizerOptions options;
  options.vocab = vocab;
  return options;
}

// The definition: count all pairs, merge the best one everywhere, count again.
std::vector<std::pair<std::string, std::string>> naive_merges(const std::map<std::string, int>& pieces,
                                                              const TokenizerOptions& options) {
  const std::vector<std::string> start = BpeTrainer(sized(266)).train().tokens;
  std::map<std::string, int> ids;
  for (std::size_t id = 0; id < start.size(); ++id) ids[start[id]] = static_cast<int>(id);
  std::vector<std::string> names = start;
  std::vector<std::pair<std::vector<int>, int>> words;
  for (const auto& [piece, count] : pieces) {
    std::vector<int> word;
    for (const char byte : piece) word.push_back(ids.at(text::to_byte_alphabet({&byte, 1})));
    words.emplace_back(word, count);
  }
  std::vector<std::pair<std::string, std::string>> merges;
  while (static_cast<int>(names.size()) < options.vocab) {
    std::map<std::pair<int, int>, std::int64_t> counts;
    for (const auto& [word, count] : words) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
    }
    const std::pair<const std::pair<int, int>, std::int64_t>* best = nullptr;
    for (const auto& entry : counts) {
      const std::string joined = names[static_cast<std::size_t>(entry.first.first)] +
                                 names[static_cast<std::size_t>(entry.first.second)];
      if (!ids.contains(joined) && (best == nullptr || entry.second > best->second)) best = &entry;
    }
    if (best == nullptr || best->second < options.fewest) break;
    const auto [left, right] = best->first;
    merges.emplace_back(names[static_cast<std::size_t>(left)], names[static_cast<std::size_t>(right)]);
    names.push_back(merges.back().first + merges.back().second);
    ids[names.back()] = static_cast<int>(names.size()) - 1;
    for (auto& [word, count] : words) {
      std::vector<int> merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        if (i + 1 < word.size() && word[i] == left && word[i + 1] == right) {
          merged.push_back(ids[names.back()]);
          ++i;
        } else {
          merged.push_back(word[i]);
        }
      }
      word = merged;
    }
  }
  return merges;
}

std::string random_word(std::mt19937& random, int letters) {
  std::string word;
  const int length = 1 + static_cast<int>(random() % 9);
  for (int i = 0; i < length; ++i) word += static_cast<char>('a' + random() % static_cast<unsigned>(letters));
  return word;
}

TEST(BpeTrainer, AgreesWithTheDefinitionOnRandomText) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed);
    const int letters = 1 + static_cast<int>(seed % 4) * 3;  // one letter: pairs that overlap themselves
    const TokenizerOptions options = sized(300 + static_cast<int>(seed) * 10);
    BpeTrainer trainer(options);
    std::map<std::string, int> pieces;
    for (int i = 0; i < 300; ++i) {
      const std::string word = random_word(random, letters);
      trainer.add(word);
      ++pieces[word];
    }
    EXPECT_EQ(trainer.train().merges, naive_merges(pieces, options)) << "seed " << seed;
  }
}

TEST(BpeTrainer, TakesNoNoticeOfTheOrderOfTheText) {
  std::vector<std::string> lines;
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) lines.push_back(random_word(random, 5) + " " + random_word(random, 5));
  BpeTrainer forth(sized(400)), back(sized(400));
  for (const std::string& line : lines) forth.add(line);
  std::reverse(lines.begin(), lines.end());
  for (const std::string& line : lines) back.add(line);
  EXPECT_EQ(formats::write_tokenizer_json(forth.train()), formats::write_tokenizer_json(back.train()));
}

TEST(BpeTrainer, LaysOutIdsAsThePublishedModelsDo) {
  BpeTrainer trainer(sized(300));
  trainer.add("dog dog dog dogs");
  const formats::TokenizerData data = trainer.train();
  EXPECT_EQ(data.tokens[0], "<|endoftext|>");
  EXPECT_EQ(data.tokens[5], "<|coord|>");
  EXPECT_EQ(data.tokens[9], "<|end_ground|>");
  EXPECT_EQ(data.tokens[10], "!");
  EXPECT_EQ(data.tokens.size(), 266 + data.merges.size());
  ASSERT_EQ(data.added.size(), 10u);
  EXPECT_TRUE(data.added[3].special);
}

TEST(BpeTrainer, EngineReadsTheFileAndAnyTextComesBack) {
  BpeTrainer trainer(sized(500));
  for (const char* line : {"Is there a dog?", "A dog on the left and two cups.", "How many cups are there?",
                           "\u00dcber die Br\u00fccke", "\u72d7\u5728\u5de6\u8fb9", "\U0001F436 dog"}) {
    for (int i = 0; i < 5; ++i) trainer.add(line);
  }
  const std::string json = formats::write_tokenizer_json(trainer.train());
  const text::Tokenizer tokenizer(formats::parse_tokenizer_json(json, "tokenizer.json"));
  EXPECT_LE(tokenizer.encode("Is there a dog?", false).size(), 5u);

  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (unsigned c = 0; c < 1 + random() % 40; ++c) {
      auto code = static_cast<char32_t>(random() % (random() % 2 ? 0x110000u : 0x250u));
      if (code >= 0xD800 && code < 0xE000) code = 'x';
      base::append_utf8(text, code);
    }
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text);
  }
  const std::string control = "<|coord|> is text here";
  const std::vector<int> ids = tokenizer.encode(control, false);
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(), [](int id) { return id < 10; }), 0);
  EXPECT_EQ(tokenizer.encode("<|coord|>", true), std::vector<int>{5});
}

TEST(BpeTrainer, TokenizerMergesAsTheTrainerDid) {
  BpeTrainer trainer(sized(330));
  std::mt19937 random(3);
  for (int i = 0; i < 400; ++i) trainer.add(random_word(random, 4));
  const formats::TokenizerData data = trainer.train();
  const text::Tokenizer tokenizer(data);
  // Every token is what its own text encodes to: no merge is out of reach.
  for (std::size_t id = 266; id < data.tokens.size(); ++id) {
    EXPECT_EQ(tokenizer.encode(data.tokens[id], false), std::vector<int>{static_cast<int>(id)});
  }
}

TEST(BpeTrainer, StopsWhereTheTextHasNoMorePairs) {
  BpeTrainer trainer(sized(2048));
  trainer.add("dog");
  trainer.add("dog");
  EXPECT_EQ(trainer.train().merges.size(), 2u);
}

TEST(BpeTrainer, MakesNoTokenLongerThanAsked) {
  TokenizerOptions options = sized(2048);
  options.longest = 4;
  BpeTrainer trainer(options);
  for (int i = 0; i < 10; ++i) trainer.add("dandelions dandelions");
  const formats::TokenizerData data = trainer.train();
  EXPECT_GT(data.merges.size(), 4u);
  for (std::size_t id = 266; id < data.tokens.size(); ++id) {
    EXPECT_LE(base::count_code_points(data.tokens[id]), 4u) << data.tokens[id];
  }
}

TEST(BpeTrainer, RefusesSizesThatCannotBe) {
  TokenizerOptions few = sized(265), none;
  none.special = 0;
  EXPECT_THROW(BpeTrainer{few}, Error);
  EXPECT_THROW(BpeTrainer{none}, Error);
}

}  // namespace
}  // namespace moonbeam::train

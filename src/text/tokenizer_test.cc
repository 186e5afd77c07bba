#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/error.h"
#include "text/bpe.h"
#include "text/test_tokenizers.h"

namespace moonbeam::text {
namespace {

using testing::phi_tokenizer;
using testing::read_json;
using Ids = std::vector<int>;

// All bytes as tokens 0..255 in the order of their value.
formats::TokenizerData byte_vocabulary() {
  formats::TokenizerData data;
  for (unsigned b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    data.tokens.push_back(to_byte_alphabet({&byte, 1}));
  }
  data.pre_tokenizers.push_back({});
  return data;
}

void add_merge(formats::TokenizerData& data, const std::string& left, const std::string& right) {
  data.merges.emplace_back(left, right);
  data.tokens.push_back(left + right);
}

formats::AddedToken added(int id, const std::string& content, bool special) {
  formats::AddedToken token;
  token.id = id;
  token.content = content;
  token.special = special;
  return token;
}

Ids bytes_of(std::string_view text) {
  Ids ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

void check_encode_goldens(const Tokenizer& tokenizer, const nlohmann::json& cases) {
  ASSERT_EQ(cases.size(), 267u);
  for (const auto& golden : cases) {
    const std::string text = golden.at("text");
    const Ids ids = golden.at("ids");
    EXPECT_EQ(tokenizer.encode(text, true), ids) << golden.at("text");
    EXPECT_EQ(tokenizer.decode(ids, false), golden.at("decoded").get<std::string>()) << golden.at("ids");
    EXPECT_EQ(tokenizer.decode(ids, true), golden.at("decoded_skip_special").get<std::string>())
        << golden.at("ids");
  }
}

ErrorCode code_of_building(formats::TokenizerData data) {
  try {
    const Tokenizer tokenizer(std::move(data));
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Tokenizer, EncodesAndDecodesThePhiGoldens) {
  check_encode_goldens(phi_tokenizer(), read_json("tests/goldens/tokenizer/phi-goldens.json").at("encode"));
}

TEST(Tokenizer, EncodesAndDecodesTheTinyGoldens) {
  const Tokenizer tiny(testing::load_data("tests/goldens/tiny/tokenizer.json"));
  EXPECT_EQ(tiny.token_count(), 655);
  check_encode_goldens(tiny, read_json("tests/goldens/tokenizer/tiny-goldens.json").at("encode"));
}

TEST(Tokenizer, DecodesOddSequencesOfIds) {
  const auto cases = read_json("tests/goldens/tokenizer/phi-goldens.json").at("decode");
  ASSERT_EQ(cases.size(), 24u);
  for (const auto& golden : cases) {
    const Ids ids = golden.at("ids");
    EXPECT_EQ(phi_tokenizer().decode(ids, false), golden.at("decoded").get<std::string>()) << golden;
    EXPECT_EQ(phi_tokenizer().decode(ids, true), golden.at("decoded_skip_special").get<std::string>())
        << golden;
  }
}

// Prompts are made of template ids and the user's text; answers decode to the text beside them.
TEST(Tokenizer, AgreesWithTheStarterModelsAnswers) {
  const Tokenizer starter(testing::load_data("tests/data/starter/tokenizer.json"));
  const auto expected = read_json("tests/data/starter/samples/expected.json");
  int queries = 0, objects = 0, texts = 0;
  for (const auto& sample : expected.at("samples")) {
    for (const auto& request : sample.at("requests")) {
      const std::string task = request.at("task");
      const std::string argument = request.value("arg", "");
      const Ids prompt = request.at("prompt_ids");
      const auto ends_with = [&](Ids tail) {
        tail.push_back(3);
        return prompt.size() >= tail.size() && std::equal(tail.rbegin(), tail.rend(), prompt.rbegin());
      };
      if (task == "query") {
        ++queries;
        EXPECT_TRUE(ends_with(starter.encode(argument, false))) << request;
      } else if (task == "detect" || task == "point") {
        ++objects;
        EXPECT_TRUE(ends_with(starter.encode(" " + argument, false))) << request;
      }
      if (request.contains("text")) {
        ++texts;
        EXPECT_EQ(starter.decode(request.at("ids").get<Ids>(), true), request.at("text").get<std::string>());
      }
    }
  }
  EXPECT_GT(queries, 20);
  EXPECT_GT(objects, 10);
  EXPECT_GT(texts, 30);
}

TEST(Tokenizer, GivesTheTemplateIdsOfThePublishedConfigs) {
  EXPECT_EQ(phi_tokenizer().encode("\n\nShort caption:", false), (Ids{198, 198, 16438, 8305, 25}));
  EXPECT_EQ(phi_tokenizer().encode("\n\nQuestion:", false), (Ids{198, 198, 24361, 25}));
  EXPECT_EQ(phi_tokenizer().encode("\n\nDetect:", false), (Ids{198, 198, 47504, 25}));
  EXPECT_EQ(phi_tokenizer().encode("\n\n", false), Ids{628});
}

TEST(Tokenizer, KeepsAUserFromWritingControlTokens) {
  const Ids control{50256};
  EXPECT_EQ(phi_tokenizer().encode("<|endoftext|>", true), control);
  const Ids plain = phi_tokenizer().encode("<|endoftext|>", false);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), 50256), 0);
  EXPECT_EQ(phi_tokenizer().decode(plain, true), "<|endoftext|>");
  // Runs of spaces are added tokens too, but not special ones.
  EXPECT_EQ(phi_tokenizer().encode("   a", false), (Ids{50285, 64}));
}

TEST(Tokenizer, KeepsControlTokensOutOfWholePieceLookupsToo) {
  auto data = byte_vocabulary();
  data.pre_tokenizers.clear();
  data.ignore_merges = true;
  data.tokens.push_back("<end>");
  data.tokens.push_back("word");
  data.added.push_back(added(256, "<end>", true));
  const Tokenizer tokenizer(data);
  EXPECT_EQ(tokenizer.encode("<end>", false), bytes_of("<end>"));
  EXPECT_EQ(tokenizer.encode("<end>", true), Ids{256});
  EXPECT_EQ(tokenizer.encode("word", false), Ids{257});
}

TEST(Tokenizer, DecodesIdsOutsideTheVocabularyToNothing) {
  for (const int id : {-1, 50295, 51199, 51200, 1 << 30, std::numeric_limits<int>::min()}) {
    EXPECT_EQ(phi_tokenizer().decode(Ids{32, id, 3290}, false), "A dog") << id;
    EXPECT_FALSE(phi_tokenizer().is_special(id));
  }
}

TEST(Tokenizer, ReadsInvalidUtf8AsReplacementCharacters) {
  EXPECT_EQ(phi_tokenizer().encode("a\xff\xe2\x82 b", false),
            phi_tokenizer().encode("a\uFFFD\uFFFD b", false));
  EXPECT_EQ(phi_tokenizer().decode_bytes(Ids{30325}, false), " \xf0\x9f\x98");
  EXPECT_EQ(phi_tokenizer().decode(Ids{30325}, false), " \uFFFD");
}

TEST(Tokenizer, GivesAnyTextBack) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      const char32_t range[] = {0x20, 0x80, 0x250, 0x3000, 0x4E00, 0x1F600, 0xE000};
      base::append_utf8(text, range[random() % 7] + static_cast<char32_t>(random() % 96));
    }
    const Ids ids = phi_tokenizer().encode(text, false);
    EXPECT_EQ(phi_tokenizer().decode(ids, false), text);
  }
  std::string bytes;
  for (int b = 0; b < 128; ++b) bytes += static_cast<char>(b);
  EXPECT_EQ(phi_tokenizer().decode(phi_tokenizer().encode(bytes, false), false), bytes);
}

TEST(Tokenizer, MergesTheLowestRankFirstAndTheLeftmostAmongEquals) {
  auto data = byte_vocabulary();
  add_merge(data, "b", "c");   // 256
  add_merge(data, "a", "b");   // 257
  add_merge(data, "x", "x");   // 258
  add_merge(data, "xx", "x");  // 259
  const Tokenizer tokenizer(data);
  EXPECT_EQ(tokenizer.encode("abc", false), (Ids{'a', 256}));
  EXPECT_EQ(tokenizer.encode("abab", false), (Ids{257, 257}));
  EXPECT_EQ(tokenizer.encode("xxx", false), Ids{259});
  EXPECT_EQ(tokenizer.encode("xxxxx", false), (Ids{258, 259}));
}

// The definition, quadratic: look for the best pair, merge it, again.
Ids merge_slowly(const formats::TokenizerData& data, const std::string& text) {
  std::vector<std::string> symbols;
  for (const char c : text) symbols.emplace_back(1, c);
  for (;;) {
    std::size_t best = data.merges.size(), where = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (std::size_t rank = 0; rank < best; ++rank) {
        if (data.merges[rank].first == symbols[i] && data.merges[rank].second == symbols[i + 1]) {
          best = rank;
          where = i;
        }
      }
    }
    if (best == data.merges.size()) break;
    symbols[where] += symbols[where + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
  Ids ids;
  for (const auto& symbol : symbols) {
    ids.push_back(
        static_cast<int>(std::find(data.tokens.begin(), data.tokens.end(), symbol) - data.tokens.begin()));
  }
  return ids;
}

TEST(Tokenizer, MergesAsTheDefinitionDoesOnRandomVocabularies) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    auto data = byte_vocabulary();
    data.pre_tokenizers.clear();
    std::vector<std::string> known{"a", "b", "c"};
    for (int i = 0; i < 25; ++i) {
      const std::string left = known[random() % known.size()], right = known[random() % known.size()];
      const bool fresh = std::find(data.tokens.begin(), data.tokens.end(), left + right) == data.tokens.end();
      if (fresh) add_merge(data, left, right);
      if (fresh) known.push_back(left + right);
    }
    const Tokenizer tokenizer(data);
    std::string text;
    for (int i = 0; i < 60; ++i) text += static_cast<char>('a' + random() % 3);
    EXPECT_EQ(tokenizer.encode(text, false), merge_slowly(data, text)) << text;
  }
}

TEST(Tokenizer, EncodesAMegabyteInOnePieceInSeconds) {
  auto data = testing::load_data("tests/goldens/tokenizer/phi-tokenizer.json");
  data.pre_tokenizers.front().use_regex = false;
  const Tokenizer superword(std::move(data));
  std::string text;
  while (text.size() < 1'000'000) text += "a small brown dog sits on a wooden bench; ";
  const auto start = std::chrono::steady_clock::now();
  const Ids ids = superword.encode(text, false);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(superword.decode(ids, false), text);
  EXPECT_LT(seconds.count(), 20);  // a quadratic merge takes hours
}

TEST(Tokenizer, HonoursTheFlagsOfAddedTokens) {
  auto data = byte_vocabulary();
  data.added = {added(256, "<l>", false), added(257, "<r>", false), added(258, "cat", false),
                added(259, "<l><r>", true)};
  data.added[0].lstrip = true;
  data.added[1].rstrip = true;
  data.added[2].single_word = true;
  const Tokenizer tokenizer(data);
  EXPECT_EQ(tokenizer.encode("a \t<l> b", false), (Ids{'a', 256, ' ', 'b'}));
  EXPECT_EQ(tokenizer.encode("a <r> \u3000b", false), (Ids{'a', ' ', 257, 'b'}));
  EXPECT_EQ(tokenizer.encode("<r>  <l>", false), (Ids{257, 256}));
  EXPECT_EQ(tokenizer.encode("cat.", false), (Ids{258, '.'}));
  EXPECT_EQ(tokenizer.encode("cats", false), bytes_of("cats"));
  EXPECT_EQ(tokenizer.encode("_cat", false), bytes_of("_cat"));
  EXPECT_EQ(tokenizer.encode("\u00e9cat", false), bytes_of("\u00e9cat"));
  EXPECT_EQ(tokenizer.encode("<l><r>", true), Ids{259}) << "longest first";
}

TEST(Tokenizer, NormalisesBeforeItLooksForNormalisedTokens) {
  auto data = byte_vocabulary();
  data.nfc = true;
  data.added = {added(256, "e\u0301", false), added(257, "u\u0308", false)};
  data.added[0].normalized = true;
  const Tokenizer tokenizer(data);
  EXPECT_EQ(tokenizer.encode("\u00e9", false), Ids{256});
  EXPECT_EQ(tokenizer.encode("e\u0301", false), Ids{256});
  EXPECT_EQ(tokenizer.encode("u\u0308", false), Ids{257}) << "in the raw text";
  EXPECT_EQ(tokenizer.encode("o\u0308", false), bytes_of("\u00f6"));
}

TEST(Tokenizer, PutsASpaceInFrontWhereTheFileSaysSo) {
  auto data = byte_vocabulary();
  data.pre_tokenizers.front().add_prefix_space = true;
  data.added = {added(256, "<x>", true)};
  const Tokenizer tokenizer(data);
  EXPECT_EQ(tokenizer.encode("a", true), bytes_of(" a"));
  EXPECT_EQ(tokenizer.encode(" a<x>b", true), (Ids{' ', 'a', 256, ' ', 'b'}));
  EXPECT_EQ(tokenizer.encode("", true), Ids{});
}

TEST(Tokenizer, FindsTokensByTheirSpelling) {
  EXPECT_EQ(phi_tokenizer().find("<|endoftext|>"), 50256);
  EXPECT_EQ(phi_tokenizer().find("\u0120dog"), 3290);
  EXPECT_EQ(phi_tokenizer().find("no such token"), std::nullopt);
  EXPECT_EQ(phi_tokenizer().token_count(), 50295);
  EXPECT_TRUE(phi_tokenizer().is_special(50256));
  EXPECT_FALSE(phi_tokenizer().is_special(50257));
}

TEST(Tokenizer, DropsBytesThatTheVocabularyLacks) {
  auto data = byte_vocabulary();
  data.tokens['z'].clear();
  EXPECT_EQ(Tokenizer(data).encode("azb", false), (Ids{'a', 'b'}));
  data.byte_fallback = true;
  EXPECT_EQ(code_of_building(data), ErrorCode::kUnsupported);
}

TEST(Tokenizer, RefusesFilesThatContradictThemselves) {
  auto data = byte_vocabulary();
  data.merges.emplace_back("q", "r");
  EXPECT_EQ(code_of_building(data), ErrorCode::kCorrupt);
  data = byte_vocabulary();
  data.added = {added(-5, "x", true)};
  EXPECT_EQ(code_of_building(data), ErrorCode::kCorrupt);
  data.added = {added(2'000'000'000, "x", true)};
  EXPECT_EQ(code_of_building(data), ErrorCode::kCorrupt);
  data = byte_vocabulary();
  data.pre_tokenizers.push_back({});
  EXPECT_EQ(code_of_building(data), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace moonbeam::text

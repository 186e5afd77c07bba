// Masks of the trie against trying every token, for the tokenizers in the tree.
#include "grammar/vocabulary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "grammar/constraint.h"
#include "grammar/testing.h"
#include "text/test_tokenizers.h"

namespace moonbeam::grammar {
namespace {

std::shared_ptr<const Vocabulary> vocabulary(const std::string& tokenizer) {
  static std::map<std::string, std::shared_ptr<const Vocabulary>> made;
  auto& out = made[tokenizer];
  if (!out) {
    const text::Tokenizer from(text::testing::load_data(tokenizer));
    std::vector<std::string> tokens;
    for (int id = 0; id < from.token_count(); ++id) {
      tokens.emplace_back(from.is_special(id) ? std::string_view() : from.token_bytes(id));
    }
    out = std::make_shared<const Vocabulary>(std::move(tokens));
  }
  return out;
}

constexpr const char* kStarter = "tests/data/starter/tokenizer.json";
constexpr const char* kPhi = "tests/goldens/tokenizer/phi-tokenizer.json";
constexpr const char* kTiny = "tests/goldens/tiny/tokenizer.json";

class Tokenizers : public ::testing::TestWithParam<const char*> {};

// The definition of correct: one token after the other, from the beginning of the text, with an automaton
// that no mask has touched.
Mask tried(const std::shared_ptr<const Grammar>& grammar, const Vocabulary& tokens, const std::string& text) {
  Automaton automaton(grammar);
  const Automaton::State state = automaton.run(automaton.start(), text);
  Mask mask(tokens.size());
  for (int id = 0; id < tokens.size(); ++id) {
    if (tokens.bytes(id).empty()) continue;
    if (automaton.run(state, tokens.bytes(id)) != Automaton::kDead) mask.set(id);
  }
  return mask;
}

int pick(const Mask& mask, int size, testing::Maker& make) {
  std::vector<int> ids;
  for (int id = 0; id < size; ++id) {
    if (mask.test(id)) ids.push_back(id);
  }
  return ids.empty() ? -1 : ids[static_cast<std::size_t>(make.below(static_cast<int>(ids.size())))];
}

TEST_P(Tokenizers, MasksAreWhatTryingEveryTokenGives) {
  const auto tokens = vocabulary(GetParam());
  int compared = 0;
  for (unsigned seed = 0; seed < 25; ++seed) {
    testing::Maker make(seed);
    const testing::Json schema = make.schema();
    const auto grammar = std::make_shared<const Grammar>(compile(parse_schema(schema.dump())));
    Constraint constraint(grammar, tokens);
    std::string text;
    for (int step = 0; step < 12 && !constraint.ended(); ++step) {
      const Mask mask = constraint.mask();
      ASSERT_EQ(mask, tried(grammar, *tokens, text)) << schema.dump() << "\n" << text;
      const int id = pick(mask, tokens->size(), make);
      ASSERT_TRUE(id >= 0 || constraint.complete()) << text;
      if (id < 0) break;
      ASSERT_TRUE(constraint.allows(id));
      text += tokens->bytes(id);
      constraint.push(id);
      ++compared;
    }
  }
  EXPECT_GT(compared, 100);
}

// Long free strings, limits far away and near, counted arrays: where masks are shared between states.
TEST_P(Tokenizers, MasksHoldNearAndFarFromLimits) {
  const auto tokens = vocabulary(GetParam());
  for (const char* schema : {R"({"type": "string", "maxLength": 150})", R"({"type": "string"})",
                             R"({"items": {"enum": [0, "", 10]}, "maxItems": 150, "minItems": 3})"}) {
    const auto grammar = std::make_shared<const Grammar>(compile(parse_schema(schema)));
    Constraint constraint(grammar, tokens);
    testing::Maker make(1);
    std::string text;
    for (int step = 0; step < 80 && !constraint.ended(); ++step) {
      Mask mask = constraint.mask();
      ASSERT_EQ(mask, tried(grammar, *tokens, text)) << schema << "\n" << text;
      int id = pick(mask, tokens->size(), make);
      // As far as it goes.
      for (int tries = 0;
           tries < 20 && id >= 0 && tokens->bytes(id).find_first_of("\"]") != std::string::npos;) {
        id = pick(mask, tokens->size(), make);
        ++tries;
      }
      if (id < 0) break;
      text += tokens->bytes(id);
      constraint.push(id);
    }
  }
}

TEST_P(Tokenizers, RandomTokensGiveValidJsonWhereverTheyStop) {
  const auto tokens = vocabulary(GetParam());
  for (unsigned seed = 0; seed < 300; ++seed) {
    testing::Maker make(seed);
    const testing::Json schema = make.schema();
    Constraint constraint(std::make_shared<const Grammar>(compile(parse_schema(schema.dump()))), tokens);
    std::string streamed;
    for (int left = make.below(40); left > 0 && !constraint.ended(); --left) {
      const int id = pick(constraint.mask(), tokens->size(), make);
      if (id < 0) break;
      const std::string_view piece = constraint.push(id);
      ASSERT_TRUE(base::is_valid_utf8(piece));
      streamed += piece;
    }
    streamed += constraint.close();
    ASSERT_EQ(streamed, constraint.text());
    const auto parsed = testing::Json::parse(streamed, nullptr, false);
    ASSERT_TRUE(!parsed.is_discarded() && testing::fits(schema, schema, parsed)) << schema.dump() << "\n"
                                                                                 << streamed;
    ASSERT_LE(testing::nesting(parsed), kMaxNesting);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Tokenizers, ::testing::Values(kStarter, kPhi, kTiny));

TEST(Vocabulary, NeverAllowsEmptyTokens) {
  const auto tokens =
      std::make_shared<const Vocabulary>(std::vector<std::string>{"", "\"", "a", "\"x", "é\""});
  Constraint string(std::make_shared<const Grammar>(compile(parse_schema(R"({"type": "string"})"))), tokens);
  EXPECT_FALSE(string.allows(0) || string.allows(2) || string.allows(-1) || string.allows(5));
  EXPECT_TRUE(string.allows(1) && string.allows(3));
  string.push(3);
  const Mask& mask = string.mask();
  EXPECT_TRUE(mask.test(1) && mask.test(2) && mask.test(4));
  EXPECT_FALSE(mask.test(0) || mask.test(3));
}

TEST(Vocabulary, MasksOfHostileSchemasStaySmall) {
  const auto tokens = vocabulary(kPhi);
  // Each word is a state of its own with as many ways to read it as there are strings.
  std::string schema = R"({"anyOf": [{"enum": ["x")";
  int words = 0;
  for (int id = 0; id < tokens->size() && words < 8000; ++id) {
    const std::string& text = tokens->bytes(id);
    if (text.size() < 3 ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
      continue;
    }
    schema += ", \"" + text + '"';
    ++words;
  }
  ASSERT_EQ(words, 8000);
  schema += "]}";
  for (int i = 0; i < 250; ++i)
    schema += R"(, {"type": "string", "maxLength": )" + std::to_string(100 + i) + "}";
  Automaton automaton(std::make_shared<const Grammar>(compile(parse_schema(schema + "]}"))));
  const Automaton::State inside = automaton.run(automaton.start(), "\"");
  const Mask mask = tokens->allowed(automaton, automaton.similar(inside, tokens->longest()));
  EXPECT_LT(automaton.bytes(), std::size_t{80} << 20);
  int allowed = 0;
  for (int id = 0; id < tokens->size(); ++id) {
    if (!mask.test(id)) continue;
    ++allowed;
    ASSERT_NE(automaton.run(inside, tokens->bytes(id)), Automaton::kDead) << tokens->bytes(id);
  }
  EXPECT_GT(allowed, 100);
}

TEST(Constraint, ShowsWholeCharactersAndEscapesAndDropsWhatIsNotWhole) {
  const auto tokens = std::make_shared<const Vocabulary>(
      std::vector<std::string>{"\"", "\xF0\x9F", "\x98\x80", "\\ud83d", "\\ude00x", "ab\\", "n"});
  const auto grammar = std::make_shared<const Grammar>(compile(parse_schema(R"({"type": "string"})")));
  Constraint whole(grammar, tokens);
  std::string shown;
  for (const int id : {0, 1}) shown += whole.push(id);
  EXPECT_EQ(shown, "\"");
  shown += whole.push(2);
  EXPECT_EQ(shown, "\"\xF0\x9F\x98\x80");
  shown += whole.push(3);
  EXPECT_EQ(shown, "\"\xF0\x9F\x98\x80");
  shown += whole.push(4);
  EXPECT_EQ(shown, "\"\xF0\x9F\x98\x80\\ud83d\\ude00x");
  EXPECT_EQ(whole.push(5), "ab");
  EXPECT_EQ(whole.close(), "\"");
  Constraint cut(grammar, tokens);
  for (const int id : {0, 1}) cut.push(id);
  cut.close();
  EXPECT_EQ(cut.text(), "\"\"");
}

}  // namespace
}  // namespace moonbeam::grammar

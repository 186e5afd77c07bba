#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/test_tokenizers.h"

namespace moonbeam::text {
namespace {

using Behavior = formats::PreTokenizer::Behavior;
using Strings = std::vector<std::string>;

formats::PreTokenizer split_at(const std::string& pattern, Behavior behavior, bool invert = false,
                               bool regex = true) {
  formats::PreTokenizer step;
  step.kind = formats::PreTokenizer::Kind::kSplit;
  step.pattern = pattern;
  step.pattern_is_regex = regex;
  step.behavior = behavior;
  step.invert = invert;
  return step;
}

Strings pieces(const std::vector<formats::PreTokenizer>& steps, const std::string& text) {
  const Pieces found = PreTokenizer(steps).split(text);
  Strings out;
  for (const Span& span : found.spans) out.push_back(found.text.substr(span.begin, span.end - span.begin));
  return out;
}

Strings matches(const std::string& pattern, const std::string& text) {
  std::vector<Span> spans;
  Regex(pattern).find_all(text, spans);
  Strings out;
  for (const Span& span : spans) out.push_back(text.substr(span.begin, span.end - span.begin));
  return out;
}

void expect_unsupported(const std::string& pattern) {
  try {
    const Regex regex(pattern);
    ADD_FAILURE() << pattern << " was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << pattern;
    EXPECT_NE(std::string(error.what()).find(pattern), std::string::npos) << error.what();
  }
}

TEST(PreTokenizer, SplitsAsTheReferenceDoesOnAllGoldens) {
  const auto cases = testing::read_json("tests/goldens/tokenizer/phi-goldens.json").at("pretokenize");
  ASSERT_EQ(cases.size(), 150u);
  const formats::PreTokenizer byte_level;
  for (const auto& golden : cases) {
    const Strings wanted = golden.at("pieces");
    EXPECT_EQ(pieces({byte_level}, golden.at("text")), wanted) << golden.at("text");
  }
}

// What is expected of behaviours and patterns from here on was seen to come out of tokenizers 0.23.3.
TEST(PreTokenizer, HasTheFiveBehavioursOfSplit) {
  const std::string text = "the-final--countdown";
  EXPECT_EQ(pieces({split_at("-", Behavior::kRemoved)}, text), (Strings{"the", "final", "countdown"}));
  EXPECT_EQ(pieces({split_at("-", Behavior::kIsolated)}, text),
            (Strings{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(pieces({split_at("-", Behavior::kMergedWithPrevious)}, text),
            (Strings{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(pieces({split_at("-", Behavior::kMergedWithNext)}, text),
            (Strings{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(pieces({split_at("-", Behavior::kContiguous)}, text),
            (Strings{"the", "-", "final", "--", "countdown"}));
}

TEST(PreTokenizer, TakesWhatIsBetweenWhenInverted) {
  const std::string pattern = R"(\w+)";
  EXPECT_EQ(pieces({split_at(pattern, Behavior::kRemoved, true)}, "a, bc!"), (Strings{"a", "bc"}));
  EXPECT_EQ(pieces({split_at(pattern, Behavior::kIsolated, true)}, "a, bc!"),
            (Strings{"a", ", ", "bc", "!"}));
  EXPECT_EQ(pieces({split_at(pattern, Behavior::kMergedWithPrevious, true)}, "a, bc!"),
            (Strings{"a, ", "bc!"}));
}

TEST(PreTokenizer, TakesStringPatternsLiterally) {
  EXPECT_EQ(pieces({split_at(".+", Behavior::kIsolated, false, false)}, "a.+b+"), (Strings{"a", ".+", "b+"}));
  EXPECT_EQ(pieces({split_at("", Behavior::kIsolated, false, false)}, "ab"), (Strings{"a", "b"}));
}

TEST(PreTokenizer, CutsWhereAnEmptyMatchStands) {
  EXPECT_EQ(pieces({split_at("(?=b)", Behavior::kIsolated)}, "abab"), (Strings{"a", "ba", "b"}));
  const std::string text = "a\u00e9xxb";
  EXPECT_EQ(pieces({split_at("x*", Behavior::kRemoved)}, text), (Strings{"a", "\u00e9", "b"}));
  EXPECT_EQ(pieces({split_at("x*", Behavior::kMergedWithPrevious)}, text), (Strings{"a", "\u00e9xx", "b"}));
  EXPECT_EQ(pieces({split_at("x*", Behavior::kMergedWithNext)}, text), (Strings{"a", "\u00e9", "xxb"}));
  EXPECT_EQ(pieces({split_at("x*", Behavior::kContiguous)}, text), (Strings{"a", "\u00e9", "xx", "b"}));
}

TEST(PreTokenizer, AppliesStepsToThePiecesOfTheStepBefore) {
  formats::PreTokenizer byte_level;
  byte_level.use_regex = false;
  const auto digits = split_at(R"(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))", Behavior::kIsolated);
  EXPECT_EQ(pieces({split_at(" ", Behavior::kMergedWithNext), digits, byte_level}, "in 1234567 days"),
            (Strings{"in", " ", "1", "234", "567", " days"}));
  EXPECT_EQ(pieces({}, "one piece, whole"), Strings{"one piece, whole"});
  EXPECT_EQ(pieces({byte_level}, ""), Strings{});
}

TEST(PreTokenizer, RunsThePatternsOfLargeModels) {
  const std::string cl100k =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  EXPECT_EQ(pieces({split_at(cl100k, Behavior::kIsolated)}, "It'S 12345  (dogs)!\n\n x"),
            (Strings{"It", "'S", " ", "123", "45", " ", " (", "dogs", ")!\n\n", " x"}));
  const std::string o200k =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  EXPECT_EQ(pieces({split_at(o200k, Behavior::kIsolated)}, "HelloWorld's GPU/ 7"),
            (Strings{"Hello", "World's", " GPU", "/", " ", "7"}));
}

TEST(Regex, MeansUnicodeWhiteSpaceByS) {
  for (const char* space :
       {"\t", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u2003", "\u2028", "\u202f", "\u3000"}) {
    EXPECT_EQ(matches(R"(\s)", space), Strings{space});
    EXPECT_EQ(matches(R"([^\S\r\n])", space), Strings{space});
    EXPECT_EQ(matches("[[:space:]]", space), Strings{space});
  }
  for (const char* other : {"\u180e", "\u200b", "\u2060", "\ufeff"})
    EXPECT_EQ(matches(R"(\S)", other), Strings{other});
}

TEST(Regex, ReadsOnigurumasEscapes) {
  EXPECT_EQ(matches(R"(\w+)", "na\u00efve e\u0301_\u203f7-x\u00b2\u2074"),
            (Strings{"na\u00efve", "e\u0301_\u203f7", "x\u00b2"}));
  EXPECT_EQ(matches(R"(\W)", "a b\u00b2\u2074"), (Strings{" ", "\u2074"}));
  EXPECT_EQ(matches("[[:punct:]]+", "a$+<.-\u2192b"), Strings{"$+<.-\u2192"});
  EXPECT_EQ(matches("[[:alnum:]]+", "a\u00b27"), (Strings{"a", "7"}));
  EXPECT_EQ(matches(R"(\h+)", "xfF0 g"), Strings{"fF0"});
  EXPECT_EQ(matches(R"(\v)", "\n\v\u2028"), Strings{"\v"});
  EXPECT_EQ(matches(R"(\u3042|\x41|\x{1F600})", "\u3042A\U0001F600"), (Strings{"\u3042", "A", "\U0001F600"}));
  EXPECT_EQ(matches(R"(\bcat\b)", "cat e\u0301cat\u0301 (cat)"), (Strings{"cat", "cat"}));
  EXPECT_EQ(matches(R"([\w']+)", "don't stop"), (Strings{"don't", "stop"}));
  EXPECT_EQ(matches(R"(\p{^L}|\P{L})", "a1"), Strings{"1"});
}

TEST(Regex, TakesScriptsAsTheScriptPropertyAlone) {
  // The mark of prolonged sound belongs to both kana by extension, to neither by property.
  EXPECT_EQ(matches(R"(\p{Han}+)", "\u65e5\u672c\u3042\u3001"), Strings{"\u65e5\u672c"});
  EXPECT_EQ(matches(R"(\p{Katakana}+)", "\u30ab\u30fc"), Strings{"\u30ab"});
}

TEST(Regex, ReadsQuantifiersAsRubyDoes) {
  EXPECT_EQ(matches(R"(\p{N}{1,3}+)", "12345 6"), (Strings{"12345", "6"})) << "repeated, not possessive";
  EXPECT_EQ(matches(R"((?:ab){2}?c)", "abababc"), Strings{"ababc"});
  EXPECT_EQ(matches(R"(xa{2}?c)", "xc xaac xac"), (Strings{"xc", "xaac"})) << "optional, not lazy";
  EXPECT_EQ(matches("a{,2}b", "aaab"), Strings{"aab"});
  EXPECT_EQ(matches("a{1,3}?", "aaa"), (Strings{"a", "a", "a"}));
  EXPECT_EQ(matches("a++a", "aaa"), Strings{}) << "possessive";
  EXPECT_EQ(matches(".+?b", "aabab"), (Strings{"aab", "ab"}));
  EXPECT_EQ(matches("a{x}|b{", "a{x}b{{3}"), (Strings{"a{x}", "b{"})) << "braces that count nothing";
  EXPECT_EQ(matches(R"(\u00e9{2}+)", "\u00e9\u00e9\u00e9\u00e9"), Strings{"\u00e9\u00e9\u00e9\u00e9"});
}

TEST(Regex, ReadsFlagsAsRubyDoes) {
  EXPECT_EQ(matches("(?m:.)", "\n"), Strings{"\n"});
  EXPECT_EQ(matches(".", "\n"), Strings{});
  EXPECT_EQ(matches("^a$", "a\nb\na"), (Strings{"a", "a"})) << "lines, without a flag";
  EXPECT_EQ(matches("(?i:'S|'lL)x", "'sx 'LLx 'LLX"), (Strings{"'sx", "'LLx"}));
  EXPECT_EQ(matches("a(?i)b|c", "aB aC c"), (Strings{"aB", "aC"}))
      << "the rest of the group, alternatives included";
  EXPECT_EQ(matches("(?#note)a(?>b|bc)d", "abcd"), Strings{}) << "atomic: b was taken, bc is not tried";
}

TEST(Regex, NamesThePatternItCannotFollow) {
  for (const char* pattern :
       {"a(b", "a)b", "[a", "[a-z&&[^b]]", "[a[bc]]", R"(a\Qb)", R"(\p{NoSuchThing})", R"(\Ga)", "(*ACCEPT)a",
        R"([\W])", "(?x)a b", "(?~ab)", R"(\xe3)", R"(\u12)", R"(a\)", R"(\C)", "a**", R"(\pL)", "{3}"}) {
    expect_unsupported(pattern);
  }
  expect_unsupported(std::string(300, '(') + "a" + std::string(300, ')'));
}

TEST(Regex, GivesUpOnPatternsThatBacktrackWithoutEnd) {
  for (const char* pattern : {"(a+)+$", "(a|aa)+$", "(?:a*a*a*a*a*a*)*b", "(.*)*(.*)*(.*)*x"}) {
    std::vector<Span> found;
    const Regex regex(pattern);
    try {
      regex.find_all(std::string(5000, 'a') + "!", found);
      ADD_FAILURE() << pattern << " came to an end";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kExhausted);
    }
  }
}

TEST(Regex, TakesLongRunsInItsStride) {
  const std::string spaces(300'000, ' ');
  EXPECT_EQ(matches(R"(\s*[\r\n]+|\s+(?!\S)|\s+)", spaces + "x").size(), 2u);
  EXPECT_EQ(matches(R"( ?\p{L}+|\s+)", std::string(300'000, 'a')).size(), 1u);
}

}  // namespace
}  // namespace moonbeam::text

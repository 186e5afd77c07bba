#include "text/text_stream.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "text/bpe.h"
#include "text/test_tokenizers.h"

namespace moonbeam::text {
namespace {

using testing::phi_tokenizer;
using Strings = std::vector<std::string>;

// Tokens 0..255 are single bytes.
const Tokenizer& byte_tokenizer() {
  static const Tokenizer tokenizer = [] {
    formats::TokenizerData data;
    for (unsigned b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      data.tokens.push_back(to_byte_alphabet({&byte, 1}));
    }
    return Tokenizer(data);
  }();
  return tokenizer;
}

struct Streamed {
  Strings chunks;
  std::string text;
  bool stopped;
  std::size_t ids;
};

Streamed stream(const Tokenizer& tokenizer, const std::vector<int>& ids, TextStreamOptions options) {
  TextStream out(tokenizer, std::move(options));
  Streamed result{};
  const auto keep = [&](std::string_view piece) {
    EXPECT_TRUE(base::is_valid_utf8(piece));
    if (!piece.empty()) result.chunks.emplace_back(piece);
  };
  for (const int id : ids) {
    ++result.ids;
    keep(out.push(id));
    if (out.stopped()) break;
  }
  keep(out.finish());
  EXPECT_TRUE(out.push('x').empty() || !out.stopped());
  result.stopped = out.stopped();
  for (const auto& chunk : result.chunks) result.text += chunk;
  return result;
}

Streamed stream_bytes(std::string_view text, TextStreamOptions options) {
  std::vector<int> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return stream(byte_tokenizer(), ids, std::move(options));
}

TEST(TextStream, ChunksAsTheReferenceDoes) {
  const auto cases = testing::read_json("tests/goldens/tokenizer/phi-goldens.json").at("stream");
  ASSERT_EQ(cases.size(), 17u);
  for (const auto& golden : cases) {
    std::vector<int> ids = golden.at("ids");
    ids.resize(std::min<std::size_t>(ids.size(), golden.value("max_tokens", 1 << 20)));
    const Strings wanted = golden.at("chunks");
    EXPECT_EQ(stream(phi_tokenizer(), ids, {}).chunks, wanted) << golden.at("text");
  }
}

// The rule as the reference words it: decode all since the last flush, again for every token.
Strings chunk_slowly(const std::vector<int>& ids) {
  Strings chunks;
  std::vector<int> cache;
  std::u32string text;
  std::size_t printed = 0;
  const auto decode = [&] {
    const std::string utf8 = phi_tokenizer().decode(cache, true);
    text.clear();
    for (std::size_t at = 0; at < utf8.size();) text += base::next_code_point(utf8, at);
  };
  const auto emit = [&](std::size_t end) {
    std::string chunk;
    for (; printed < end; ++printed) base::append_utf8(chunk, text[printed]);
    if (!chunk.empty()) chunks.push_back(chunk);
  };
  for (const int id : ids) {
    cache.push_back(id);
    decode();
    const char32_t last = text.empty() ? U'\0' : text.back();
    const bool cjk = (last >= 0x4E00 && last <= 0x9FFF) || (last >= 0x3400 && last <= 0x4DBF) ||
                     (last >= 0x2F800 && last <= 0x2FA1F);
    if (last == '\n') {
      emit(text.size());
      cache.clear();
      printed = 0;
    } else if (cjk) {
      emit(text.size());
    } else if (const auto space = text.rfind(U' '); space != std::u32string::npos && space >= printed) {
      emit(space + 1);
    }
  }
  decode();
  if (!cache.empty()) emit(text.size());
  return chunks;
}

TEST(TextStream, ChunksAsTheReferencesWordsSayOnRandomTokens) {
  std::uint32_t random = 1;
  const auto draw = [&](std::uint32_t limit) {
    return static_cast<int>((random = random * 1664525 + 1013904223) >> 8) % static_cast<int>(limit);
  };
  const auto cjk = phi_tokenizer().encode("\u65e5\u672c\u8a9e \U0002F800\n", false);
  for (int round = 0; round < 400; ++round) {
    std::vector<int> ids;
    for (int i = 0; i < 40; ++i) {
      const int kind = draw(4);
      if (kind == 0) ids.push_back(draw(256));  // single bytes, most of them no characters
      if (kind == 1) ids.push_back(draw(51200));
      if (kind == 2) ids.push_back(draw(2) ? 198 : 220);
      if (kind == 3)
        ids.insert(ids.end(), cjk.begin(), cjk.begin() + draw(static_cast<std::uint32_t>(cjk.size())));
    }
    EXPECT_EQ(stream(phi_tokenizer(), ids, {}).chunks, chunk_slowly(ids));
  }
}

TEST(TextStream, HoldsBackIncompleteCharacters) {
  const auto got = stream_bytes("a\U0001F600\u00e9b", {.by_words = false});
  EXPECT_EQ(got.chunks, (Strings{"a", "\U0001F600", "\u00e9", "b"}));
  const auto broken = stream_bytes(
      "a\xf0\x9f"
      "b\xe2\x82",
      {.by_words = false});
  EXPECT_EQ(broken.chunks, (Strings{"a",
                                    "\uFFFD"
                                    "b",
                                    "\uFFFD"}));
}

TEST(TextStream, SaysNothingForSpecialTokensAndPaddingRows) {
  EXPECT_EQ(stream(phi_tokenizer(), {32, 50256, 51199, -1, 3290}, {}).chunks, (Strings{"A ", "dog"}));
}

TEST(TextStream, EndsBeforeTheFirstStopString) {
  for (const bool by_words : {false, true}) {
    const auto got =
        stream_bytes("one two END three", {.by_words = by_words, .strip = false, .stop = {"END", "three"}});
    EXPECT_TRUE(got.stopped);
    EXPECT_EQ(got.text, "one two ");
    EXPECT_EQ(got.ids, 11u) << "as soon as it is complete";
  }
  EXPECT_EQ(stream_bytes("abcd", {.stop = {"bcd", "bc"}}).text, "a");
  EXPECT_EQ(stream_bytes("END", {.stop = {"END"}}).text, "");
}

TEST(TextStream, HoldsBackWhatCouldBecomeAStopString) {
  TextStream out(byte_tokenizer(), {.by_words = false, .strip = false, .stop = {"\n\nQ"}});
  EXPECT_EQ(out.push('a'), "a");
  EXPECT_EQ(out.push('\n'), "");
  EXPECT_EQ(out.push('\n'), "");
  EXPECT_EQ(out.push('\n'), "\n") << "two newlines may still begin it";
  EXPECT_EQ(out.push('x'), "\n\nx");
  EXPECT_FALSE(out.stopped());
  EXPECT_EQ(out.push('\n'), "");
  EXPECT_EQ(out.finish(), "\n") << "nothing follows any more";
  EXPECT_EQ(out.text(), "a\n\n\nx\n");
}

TEST(TextStream, FindsStopStringsInsideWordsAndAcrossTokens) {
  const auto ids = phi_tokenizer().encode("A dog on a bench. A cat.", false);
  EXPECT_EQ(stream(phi_tokenizer(), ids, {.stop = {"g on a b"}}).text, "A do");
  EXPECT_EQ(stream(phi_tokenizer(), ids, {.stop = {"."}}).text, "A dog on a bench");
  EXPECT_EQ(stream(phi_tokenizer(), ids, {.stop = {"no such", ""}}).text, "A dog on a bench. A cat.");
  EXPECT_EQ(stream_bytes("\u65e5\u672c\u8a9e", {.stop = {"\u672c"}}).text, "\u65e5");
}

TEST(TextStream, StripsBothEndsOfTheWholeText) {
  for (const bool by_words : {false, true}) {
    EXPECT_EQ(stream_bytes(" \n\u3000 a  b \n ", {.by_words = by_words, .strip = true}).text, "a  b");
    EXPECT_EQ(stream_bytes(" \n ", {.by_words = by_words, .strip = true}).text, "");
    EXPECT_EQ(stream_bytes(" a END", {.by_words = by_words, .strip = true, .stop = {"END"}}).text, "a");
  }
  TextStream out(byte_tokenizer(), {.by_words = false, .strip = true, .stop = {}});
  EXPECT_EQ(out.push('a'), "a");
  EXPECT_EQ(out.push(' '), "");
  EXPECT_EQ(out.push('b'), " b");
  EXPECT_EQ(out.finish(), "");
  EXPECT_EQ(out.text(), "a b");
}

}  // namespace
}  // namespace moonbeam::text

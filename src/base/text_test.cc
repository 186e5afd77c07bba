// Numbers as text, and UTF-8 as Python's decoder has it.
#include "base/text.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>

namespace moonbeam::base {
namespace {

using namespace std::string_literals;

TEST(Cat, JoinsTextAndNumbers) {
  EXPECT_EQ(cat(), "");
  EXPECT_EQ(cat("a", std::string("b"), 'c', std::string_view("d")), "abcd");
  EXPECT_EQ(cat(0, ' ', -7, ' ', std::numeric_limits<std::int64_t>::min()), "0 -7 -9223372036854775808");
  EXPECT_EQ(cat(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(cat(static_cast<std::uint8_t>(65)), "65") << "a number, not a letter";
}

TEST(Cat, WritesTheShortestDigitsOfADouble) {
  EXPECT_EQ(cat(0.1), "0.1");
  EXPECT_EQ(cat(1.0), "1");
  EXPECT_EQ(cat(-2.5e-7), "-2.5e-07");
  EXPECT_EQ(cat(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(cat(INFINITY), "inf");
}

TEST(FormatDecimal, DropsZerosAtTheEnd) {
  EXPECT_EQ(format_decimal(0.5, 3), "0.5");
  EXPECT_EQ(format_decimal(12.0, 2), "12");
  EXPECT_EQ(format_decimal(-0.25, 2), "-0.25");
  EXPECT_EQ(format_decimal(100.0, 0), "100") << "zeros before the point stay";
  EXPECT_EQ(format_decimal(1.005, 2), "1") << "the double lies below 1.005";
  EXPECT_EQ(format_decimal(2.675, 1), "2.7");
}

TEST(FormatDecimal, NeverWritesMinusZero) {
  EXPECT_EQ(format_decimal(-0.0, 2), "0");
  EXPECT_EQ(format_decimal(-0.001, 2), "0");
}

TEST(FormatDecimal, TakesEveryDouble) {
  EXPECT_EQ(format_decimal(std::numeric_limits<double>::max(), 0).size(), 309u);
  EXPECT_EQ(format_decimal(-std::numeric_limits<double>::max(), 1000).size(), 310u);
  EXPECT_EQ(format_decimal(std::numeric_limits<double>::denorm_min(), 40), "0");
  EXPECT_EQ(format_decimal(3.7, -5), "4");
  EXPECT_EQ(format_decimal(INFINITY, 2), "inf");
  EXPECT_EQ(format_decimal(-INFINITY, 2), "-inf");
  EXPECT_EQ(format_decimal(NAN, 2), "nan");
}

TEST(FormatDecimal, WritesAPointInALocaleWithCommas) {
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  EXPECT_EQ(format_decimal(1234.5, 1), "1234.5");
  EXPECT_EQ(cat(0.5), "0.5");
  std::setlocale(LC_ALL, "C");
}

TEST(FormatBytes, KeepsThreeDigits) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(1), "1 byte");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1000), "1 kB");
  EXPECT_EQ(format_bytes(1234), "1.23 kB");
  EXPECT_EQ(format_bytes(12345), "12.3 kB");
  EXPECT_EQ(format_bytes(143'210'000), "143 MB");
  EXPECT_EQ(format_bytes(3'854'500'000), "3.85 GB");
}

TEST(FormatBytes, MovesUpRatherThanShowAThousand) {
  EXPECT_EQ(format_bytes(999'499), "999 kB");
  EXPECT_EQ(format_bytes(999'500), "1 MB");
  EXPECT_EQ(format_bytes(9'999), "10 kB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::int64_t>::max()), "9.22 EB");
}

TEST(FormatShape, ListsSizes) {
  EXPECT_EQ(format_shape({}), "[]");
  EXPECT_EQ(format_shape({7}), "[7]");
  EXPECT_EQ(format_shape({51200, 2048, -1}), "[51200,2048,-1]");
}

TEST(Printable, KeepsReadableText) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST(Printable, ShowsEveryOtherByte) {
  EXPECT_EQ(printable("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(printable("nul\0!"s), "nul\\x00!");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("caf\xe9.jpg"), "caf\\xe9.jpg");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85") << "the next line of C1";
}

TEST(Printable, ShowsWhatBreaksOrReordersALine) {
  EXPECT_EQ(printable("a\xe2\x80\xa8"
                      "b"),
            "a\\xe2\\x80\\xa8b")
      << "line separator";
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "gpj"),
            "a\\xe2\\x80\\xaegpj")
      << "right to left from here";
}

TEST(Utf8, WritesEveryLength) {
  const auto utf8 = [](char32_t c) {
    std::string out;
    append_utf8(out, c);
    return out;
  };
  EXPECT_EQ(utf8(0), "\0"s);
  EXPECT_EQ(utf8(0x7f), "\x7f");
  EXPECT_EQ(utf8(0x80), "\xc2\x80");
  EXPECT_EQ(utf8(0x7ff), "\xdf\xbf");
  EXPECT_EQ(utf8(0x800), "\xe0\xa0\x80");
  EXPECT_EQ(utf8(0xffff), "\xef\xbf\xbf");
  EXPECT_EQ(utf8(0x10000), "\xf0\x90\x80\x80");
  EXPECT_EQ(utf8(0x10ffff), "\xf4\x8f\xbf\xbf");
  EXPECT_EQ(utf8(0xd800), "\xef\xbf\xbd") << "a surrogate is no character";
  EXPECT_EQ(utf8(0x110000), "\xef\xbf\xbd");
}

TEST(Utf8, ReadsBackEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    std::string text;
    append_utf8(text, c);
    std::size_t pos = 0;
    ASSERT_EQ(next_code_point(text, pos), c);
    ASSERT_EQ(pos, text.size());
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(count_code_points(text), 1u);
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(incomplete_utf8_tail("x" + text.substr(0, cut)), cut) << static_cast<unsigned>(c);
    }
    ASSERT_EQ(incomplete_utf8_tail(text), 0u);
  }
}

/// Bytes, and what bytes.decode("utf-8", errors="replace") of Python 3.11 makes of them; '?' is U+FFFD.
struct Replaced {
  const char *bytes, *shown;
};
constexpr Replaced kReplaced[] = {
    {"\x80", "?"},
    {"\xbf\x80", "??"},
    {"\xc0\x80", "??"},
    {"\xc1\xbf", "??"},
    {"\xc2", "?"},
    {"\xc2"
     "A",
     "?A"},
    {"\xe0\x80\x80", "???"},
    {"\xe0\x9f\xbf", "???"},
    {"\xe0\xa0", "?"},
    {"\xe0\xa0"
     "A",
     "?A"},
    {"\xe2\x82", "?"},
    {"\xe2\x82\xe2\x82\xac", "?\xe2\x82\xac"},
    {"\xed\xa0\x80", "???"},
    {"\xed\xbf\xbf", "???"},
    {"\xf0\x80\x80\x80", "????"},
    {"\xf0\x8f\xbf\xbf", "????"},
    {"\xf0\x90\x80", "?"},
    {"\xf0\x9f\x98"
     "A",
     "?A"},
    {"\xf0\x9f"
     "A\x80",
     "?A?"},
    {"\xf4\x90\x80\x80", "????"},
    {"\xf5\x80\x80\x80", "????"},
    {"\xf8\x88\x80\x80\x80", "?????"},
    {"\xfe\xff", "??"},
    {"a\xff"
     "b\xe2(\xa1"
     "c",
     "a?b?(?c"},
    {"\xc3\xc3\xa9", "?\xc3\xa9"},
    {"\xf0\xf0\x9f\x98\x80", "?\xf0\x9f\x98\x80"},
};

TEST(Utf8, ReplacesMaximalInvalidPrefixes) {
  for (const Replaced& row : kReplaced) {
    std::string expected;
    for (const char* c = row.shown; *c != '\0'; ++c) {
      if (*c == '?') {
        expected += "\xef\xbf\xbd";
      } else {
        expected += *c;
      }
    }
    EXPECT_EQ(replace_invalid_utf8(row.bytes), expected) << printable(row.bytes);
    EXPECT_EQ(count_code_points(row.bytes), count_code_points(expected)) << printable(row.bytes);
    EXPECT_FALSE(is_valid_utf8(row.bytes)) << printable(row.bytes);
    EXPECT_TRUE(is_valid_utf8(expected));
  }
}

TEST(Utf8, LeavesValidTextAlone) {
  const std::string text = "\xef\xbf\xbd \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf"s + "\0z"s;
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(replace_invalid_utf8(text), text);
  EXPECT_EQ(replace_invalid_utf8(""), "");
  EXPECT_TRUE(is_valid_utf8(""));
}

TEST(Utf8, HoldsBackOnlyTailsThatCanBecomeACharacter) {
  EXPECT_EQ(incomplete_utf8_tail(""), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a\xf0\x9f\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_tail("\xe2\x82\xac\xe2"), 1u);
  EXPECT_EQ(incomplete_utf8_tail("\x80\x80\x80"), 0u) << "no first byte";
  EXPECT_EQ(incomplete_utf8_tail("\xc3\xa9\xa9"), 0u) << "one byte too many";
  EXPECT_EQ(incomplete_utf8_tail("\xed\xa0"), 0u) << "would be a surrogate";
  EXPECT_EQ(incomplete_utf8_tail("\xe0\x80"), 0u) << "would be overlong";
  EXPECT_EQ(incomplete_utf8_tail("\xf4\x90"), 0u) << "would pass U+10FFFF";
  EXPECT_EQ(incomplete_utf8_tail("\xff"), 0u);
}

}  // namespace
}  // namespace moonbeam::base

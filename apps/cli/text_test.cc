#include "cli/text.h"

#include <gtest/gtest.h>

namespace moonbeam::cli {
namespace {

TEST(Text, WritesNumbersWithAPoint) {
  EXPECT_EQ(fixed(0.5, 4), "0.5000");
  EXPECT_EQ(decimal(0.5, 6), "0.5");
  EXPECT_EQ(decimal(-0.0000001, 6), "0");
  EXPECT_EQ(decimal(12, 3), "12");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-1234), "-1,234");
  EXPECT_EQ(grouped(999), "999");
}

TEST(Text, WritesSizesAndTimesForPeople) {
  EXPECT_EQ(human_bytes(999), "999 bytes");
  EXPECT_EQ(human_bytes(11'409'608), "11.4 MB");
  EXPECT_EQ(human_bytes(3'850'000'000), "3.85 GB");
  EXPECT_EQ(human_bytes(999'999), "1.00 MB");
  EXPECT_EQ(clock_time(6.2), "0:07");
  EXPECT_EQ(clock_time(754), "12:34");
  EXPECT_EQ(clock_time(3723), "1:02:03");
  EXPECT_EQ(clock_time(-1), "0:00");
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_double("0.25"), 0.25);
  EXPECT_EQ(parse_double(" +1e-3 "), 0.001);
  EXPECT_FALSE(parse_double("0,25"));
  EXPECT_FALSE(parse_double("nan"));
  EXPECT_FALSE(parse_double("inf"));
  EXPECT_FALSE(parse_double(""));
  EXPECT_FALSE(parse_double("1x"));
  EXPECT_EQ(parse_int("42"), 42);
  EXPECT_FALSE(parse_int("4.2"));
  EXPECT_FALSE(parse_int("99999999999999999999"));
  EXPECT_EQ(parse_numbers("0.1,0.2"), (std::vector<double>{0.1, 0.2}));
  EXPECT_FALSE(parse_numbers("0.1,,0.2"));
}

TEST(Text, EscapesWhatWouldSteerATerminal) {
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
  EXPECT_EQ(printable("b\xff"), "b\\xff");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");
}

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_valid_utf8("\xF0\x9F\x98\x80 \xE2\x82\xAC"));
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // past U+10FFFF
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));          // cut
}

TEST(Text, SuggestsNearMissesOnly) {
  const std::vector<std::string> words = {"caption", "query", "detect"};
  EXPECT_EQ(near_miss("captoin", words), "caption");
  EXPECT_EQ(near_miss("detec", words), "detect");
  EXPECT_FALSE(near_miss("zebra", words));
  EXPECT_FALSE(near_miss("", words));
}

TEST(Text, DecodesBase64WithSpaceAndWithoutPadding) {
  EXPECT_EQ(decode_base64("TWFu"), "Man");
  EXPECT_EQ(decode_base64("TW\n E="), "Ma");
  EXPECT_EQ(decode_base64("TWE"), "Ma");
  EXPECT_EQ(decode_base64("TQ=="), "M");
  EXPECT_EQ(decode_base64("-_8"), "\xfb\xff");
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_FALSE(decode_base64("T"));
  EXPECT_FALSE(decode_base64("TW=E"));
  EXPECT_FALSE(decode_base64("TW*u"));
}

}  // namespace
}  // namespace moonbeam::cli

#include "base/key_file.h"

#include <gtest/gtest.h>

#include <functional>

#include <moonbeam/error.h>

namespace moonbeam::base {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(KeyFile, ReadsSectionsRemarksListsAndRamps) {
  auto sections = parse_key_file(
      "# remark\nseed = 7\n\n[stage.see]  # another\nrate = 1.5e-3\nname = \"a # b\"\n"
      "widen = 50, 100\nloss = 0.35 -> 0.15\non = true\n",
      "x.toml");
  ASSERT_EQ(sections.size(), 2u);
  std::uint64_t seed = 0;
  sections[0].read("seed", seed);
  EXPECT_EQ(seed, 7u);
  KeySection& see = sections[1];
  EXPECT_EQ(see.name(), "stage.see");
  double rate = 0;
  std::string text;
  std::vector<int> widen;
  Ramp loss;
  bool on = false;
  see.read("rate", rate, 0, 1), see.read("name", text), see.read("widen", widen, 0, 1000);
  see.read("loss", loss, 0, 10), see.read("on", on);
  EXPECT_EQ(rate, 1.5e-3);
  EXPECT_EQ(text, "a # b");
  EXPECT_EQ(widen, (std::vector<int>{50, 100}));
  EXPECT_EQ(loss, (Ramp{0.35, 0.15}));
  EXPECT_DOUBLE_EQ(loss.at(0.5), 0.25);
  EXPECT_TRUE(on);
  see.refuse_unread();
}

TEST(KeyFile, NamesTheLineOfEverySlip) {
  EXPECT_EQ(message_of([] { parse_key_file("a = 1\nb 2\n", "x.toml"); }),
            "x.toml:2: expected key = value, got 'b 2'");
  EXPECT_EQ(message_of([] { parse_key_file("[a\n", "x.toml"); }), "x.toml:1: expected [section]");
  EXPECT_EQ(message_of([] { parse_key_file("[a]\n[b]\n[a]\n", "x.toml"); }),
            "x.toml:3: a second section [a]");
  EXPECT_EQ(message_of([] { parse_key_file("a = 1\n\na = 2\n", "x.toml"); }),
            "x.toml:3: 'a' stands in line 1 already");
  auto sections =
      parse_key_file("[s]\nbach = 16\nsize = big\nsteps = 7.5\nmode = on\nr = 1 -> x\n", "x.toml");
  KeySection& s = sections[1];
  int number = 0;
  Ramp ramp;
  EXPECT_EQ(message_of([&] { s.read("size", number, 1, 9); }),
            "x.toml:3: size: expected a whole number of 1 to 9, got 'big'");
  EXPECT_EQ(message_of([&] { s.read("steps", number, 1, 9); }),
            "x.toml:4: steps: expected a whole number of 1 to 9, got '7.5'");
  EXPECT_EQ(message_of([&] {
              s.read_choice("mode", {"f32", "bf16"}, 0);
            }),
            "x.toml:5: mode: expected one of f32, bf16, got 'on'");
  EXPECT_EQ(message_of([&] { s.read("r", ramp, 0, 1); }),
            "x.toml:6: r: expected a number of 0 to 1, got '1 -> x'");
  EXPECT_EQ(message_of([&] { s.refuse_unread(); }), "x.toml:2: unknown key 'bach' in [s]");
}

}  // namespace
}  // namespace moonbeam::base

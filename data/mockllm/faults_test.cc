#include "data/mockllm/faults.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace moonbeam::mockllm {
namespace {

TEST(FaultRules, AreReadWithTheirOptions) {
  const FaultRule late =
      parse_fault("429=0.05,retry_after=Wed, 21 Oct 2026 07:28:00 GMT,stage=S3,from=5,until=9");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(late.share, 0.05);
  EXPECT_EQ(late.retry_after, "Wed, 21 Oct 2026 07:28:00 GMT");
  EXPECT_EQ(late.stage, "S3");
  EXPECT_EQ(late.from, 5U);
  EXPECT_EQ(late.until, 9U);
  EXPECT_EQ(parse_fault("slow=1,ms=20").ms, 20);
  EXPECT_EQ(parse_fault("reset=0,first=3").first, 3);
  const auto rules = parse_faults("# a comment\n500=0.1\n\n reset=0.2 # another\r\n", "f");
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[1].fault, Fault::kReset);
}

TEST(FaultRules, SlipsAreNamedWithTheirLine) {
  for (const char* bad : {"", "reset", "nothing=1", "399=1", "600=1", "reset=2", "reset=-1", "reset=x",
                          "reset=nan", "slow=1,ms=x", "reset=1,often=2"}) {
    EXPECT_THROW(parse_fault(bad), Error) << bad;
  }
  try {
    parse_faults("500=0.1\nrest=1\n", "faults.txt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("faults.txt:2: ")) << error.what();
  }
}

TEST(Faults, MeetTheirSharesAndNoTwoOnTheWay) {
  Faults faults({parse_fault("500=0.1"), parse_fault("reset=0.2"), parse_fault("hallucinate=0.5")}, 3);
  int status = 0, reset = 0, liar = 0;
  for (std::uint64_t content = 0; content < 20'000; ++content) {
    const Faults::Met met = faults.meet(content, "S3");
    status += met.way != nullptr && met.way->fault == Fault::kStatus ? 1 : 0;
    reset += met.way != nullptr && met.way->fault == Fault::kReset ? 1 : 0;
    liar += met.has(Fault::kHallucinate) ? 1 : 0;
  }
  EXPECT_NEAR(status, 2000, 150);
  EXPECT_NEAR(reset, 4000, 200);
  EXPECT_NEAR(liar, 10'000, 300);
  EXPECT_EQ(faults.counts()["500"], static_cast<std::uint64_t>(status));
}

TEST(Faults, DoNotDependOnTheOrderOfRequests) {
  Faults forwards({parse_fault("500=0.3")}, 3), backwards({parse_fault("500=0.3")}, 3);
  std::map<std::uint64_t, std::vector<bool>> a, b;
  for (std::uint64_t i = 0; i < 200; ++i) a[i % 100].push_back(forwards.meet(i % 100, "").way != nullptr);
  for (std::uint64_t i = 200; i-- > 0;) b[i % 100].push_back(backwards.meet(i % 100, "").way != nullptr);
  EXPECT_EQ(a, b);
}

TEST(Faults, MayBeOfOneStageAndOfOneTime) {
  Faults faults({parse_fault("500=1,stage=S3"), parse_fault("reset=1,from=3,until=4")}, 0);
  EXPECT_NE(faults.meet(1, "S3").way, nullptr);
  EXPECT_EQ(faults.meet(2, "S4").way, nullptr);
  EXPECT_NE(faults.meet(3, "S4").way, nullptr);
  EXPECT_NE(faults.meet(4, "S4").way, nullptr);
  EXPECT_EQ(faults.meet(5, "S4").way, nullptr);
}

}  // namespace
}  // namespace moonbeam::mockllm

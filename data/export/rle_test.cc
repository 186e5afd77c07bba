#include "data/export/rle.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

namespace moonbeam::data {
namespace {

using Runs = std::vector<std::uint32_t>;

TEST(RunLengths, MatchTheReferencesStrings) {
  const std::pair<Runs, std::string> vectors[] = {{{5, 2, 2, 2, 2, 2, 5}, "5220003"},
                                                  {{0, 2, 17, 1}, "02a0O"},
                                                  {{1000, 30, 970, 31, 969, 32, 96968}, "Xo0n0Zn01O1ogm2"}};
  for (const auto& [runs, text] : vectors) {
    EXPECT_EQ(compress_runs(runs), text);
    EXPECT_EQ(decompress_runs(text), runs);
  }
}

TEST(RunLengths, RefuseWhatNoWriterMakes) {
  EXPECT_THROW(decompress_runs("5 2"), Error);
  EXPECT_THROW(decompress_runs("X"), Error);  // cut off
  EXPECT_THROW(decompress_runs("@"), Error);  // negative
}

}  // namespace
}  // namespace moonbeam::data

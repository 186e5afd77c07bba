// Aligned memory, arithmetic on sizes, and errors.
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/error.h"

namespace moonbeam::base {
namespace {

constexpr std::uint64_t kMost = UINT64_MAX;

TEST(Checked, MultipliesUpToTheLastBit) {
  EXPECT_EQ(checked_mul(kMost, 1), kMost);
  EXPECT_EQ(checked_mul(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1), kMost - 0xffffffffu);
  EXPECT_EQ(checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_mul(kMost, 2), std::nullopt);
  EXPECT_EQ(checked_mul(0, kMost), 0u);
}

TEST(Checked, AddsUpToTheLastBit) {
  EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
  EXPECT_EQ(checked_add(kMost, 1), std::nullopt);
  EXPECT_EQ(checked_add(0, 0), 0u);
}

TEST(Checked, FitsRangesWithoutOverflow) {
  EXPECT_TRUE(range_fits(0, 0, 0));
  EXPECT_TRUE(range_fits(10, 0, 10)) << "nothing, at the end";
  EXPECT_TRUE(range_fits(3, 7, 10));
  EXPECT_FALSE(range_fits(3, 8, 10));
  EXPECT_FALSE(range_fits(11, 0, 10));
  EXPECT_FALSE(range_fits(5, kMost, 10)) << "5 + size wraps round to 4";
  EXPECT_TRUE(range_fits(0, kMost, kMost));
}

std::size_t address(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory);
}

TEST(Buffer, StartsOnACacheLine) {
  for (const std::size_t size : {1, 63, 64, 65, 1000, 4097, 100'000}) {
    const Buffer<char> buffer(size);
    EXPECT_EQ(address(buffer.data()) % 64, 0u) << size;
    EXPECT_EQ(buffer.size(), size);
  }
}

TEST(Buffer, StartsOnAHugePageWhereItIsLarge) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  for (const std::size_t size : {kHugePage, kHugePage + 1, 5 * kHugePage - 1}) {
    Buffer<char> buffer(size);
    EXPECT_EQ(address(buffer.data()) % kHugePage, 0u) << size;
    std::memset(buffer.data(), 7, size);  // every byte is there
    EXPECT_EQ(buffer[size - 1], 7);
  }
}

TEST(Buffer, GivesLargeBlocksBack) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps freed memory, to see who reads it";
#endif
  Buffer<char> buffer((std::size_t{2} << 20) + 5000);
  char* const first = buffer.data();
  char* const last_page = first + (buffer.size() - 1) / 4096 * 4096;
  unsigned char resident = 0;
  ASSERT_EQ(mincore(first, 1, &resident), 0) << "mapped";
  ASSERT_EQ(mincore(last_page, 1, &resident), 0);
  buffer = Buffer<char>();
  EXPECT_EQ(mincore(first, 1, &resident), -1) << "no longer mapped";
  EXPECT_EQ(mincore(last_page, 1, &resident), -1);
}

TEST(Buffer, HoldsWhatIsWritten) {
  Buffer<int> buffer(1000);
  std::iota(buffer.begin(), buffer.end(), 0);
  EXPECT_EQ(buffer.span().back(), 999);
  EXPECT_EQ(buffer.end() - buffer.begin(), 1000);
}

TEST(Buffer, OfNothingHasNoMemory) {
  const Buffer<int> none, zero(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(zero.data(), nullptr);
  EXPECT_TRUE(zero.span().empty());
}

TEST(Buffer, MovesItsMemory) {
  Buffer<int> from(10);
  from[3] = 42;
  const int* memory = from.data();
  Buffer<int> to(std::move(from));
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to[3], 42);
  EXPECT_EQ(from.data(), nullptr);  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(from.size(), 0u);

  Buffer<int> other(5);
  other = std::move(to);
  EXPECT_EQ(other.data(), memory);
  EXPECT_EQ(other.size(), 10u);
}

TEST(Buffer, GrowsOnlyWhereItMust) {
  Buffer<int> buffer(10);
  const int* memory = buffer.data();
  buffer.reserve_discard(7);
  EXPECT_EQ(buffer.data(), memory);
  EXPECT_EQ(buffer.size(), 10u);
  buffer.reserve_discard(11);
  EXPECT_EQ(buffer.size(), 11u);
}

template <typename Call>
void expect_exhausted(Call call, const char* message) {
  try {
    call();
    FAIL() << "expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
    EXPECT_STREQ(error.what(), message);
  }
}

TEST(Buffer, RefusesSizesThatWrapRound) {
  // times 8 this is 8 bytes
  expect_exhausted([] { Buffer<double>((std::size_t{1} << 61) + 1); },
                   "out of memory: 2305843009213693953 times 8 bytes could not be had");
  expect_exhausted([] { allocate_aligned(SIZE_MAX); },
                   "out of memory: 18446744073709551615 times 1 bytes could not be had");
}

TEST(Buffer, KeepsWhatItHadWhenMoreCannotBeHad) {
  Buffer<int> buffer(10);
  buffer[9] = 9;
  EXPECT_THROW(buffer.reserve_discard(SIZE_MAX / 4), Error);
  EXPECT_EQ(buffer.size(), 10u);
  EXPECT_EQ(buffer[9], 9);
}

TEST(Error, SaysWhatItWasMadeOf) {
  try {
    fail(ErrorCode::kCorrupt, "a.safetensors", ": '", std::string("text.wte"), "': expected ", 3, ", got ",
         2.5);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_STREQ(error.what(), "a.safetensors: 'text.wte': expected 3, got 2.5");
  }
}

TEST(Error, HasANameForEveryCode) {
  EXPECT_STREQ(error_code_name(ErrorCode::kInvalidArgument), "invalid argument");
  EXPECT_STREQ(error_code_name(ErrorCode::kNotFound), "not found");
  EXPECT_STREQ(error_code_name(ErrorCode::kCorrupt), "corrupt");
  EXPECT_STREQ(error_code_name(ErrorCode::kUnsupported), "unsupported");
  EXPECT_STREQ(error_code_name(ErrorCode::kExhausted), "exhausted");
  EXPECT_STREQ(error_code_name(ErrorCode::kCancelled), "cancelled");
  EXPECT_STREQ(error_code_name(static_cast<ErrorCode>(99)), "unknown error");
}

}  // namespace
}  // namespace moonbeam::base

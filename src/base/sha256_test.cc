// The examples of FIPS 180-4.
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string_view>

namespace moonbeam::base {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

constexpr const char* kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr const char* kTwoBlocksSum = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

TEST(Sha256, GivesTheStandardsExamples) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(bytes(kTwoBlocks)), kTwoBlocksSum);
}

TEST(Sha256, TakesItsBytesInAnyPieces) {
  const std::string_view text = kTwoBlocks;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 sum;
    sum.update(bytes(text.substr(0, cut)));
    sum.update(bytes(text.substr(cut)));
    EXPECT_EQ(sum.hex(), kTwoBlocksSum) << cut;
  }
}

}  // namespace
}  // namespace moonbeam::base

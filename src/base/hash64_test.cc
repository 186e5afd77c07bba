// The checksum of weights: its written definition, parts of any size, every bit counts.
#include "base/hash64.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace moonbeam::base {
namespace {

std::vector<std::byte> bytes_of(std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint32_t x = 12345;
  for (std::byte& byte : bytes) {
    x = x * 1664525 + 1013904223;
    byte = static_cast<std::byte>(x >> 24);
  }
  return bytes;
}

// docs/formats/moonbeam.md, word for word, with schoolbook products of 32 bits.
std::uint64_t fold_by_halves(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t low = 0xffffffff;
  const std::uint64_t ll = (a & low) * (b & low), lh = (a & low) * (b >> 32), hl = (a >> 32) * (b & low),
                      hh = (a >> 32) * (b >> 32);
  const std::uint64_t middle = (ll >> 32) + (lh & low) + (hl & low);
  return ((middle << 32) | (ll & low)) ^ (hh + (lh >> 32) + (hl >> 32) + (middle >> 32));
}

std::uint64_t as_written_down(const std::vector<std::byte>& data) {
  const std::uint64_t salt[] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1,
                                0x082efa98ec4e6c89};
  std::vector<std::uint64_t> pieces;
  for (std::size_t begin = 0; begin < data.size(); begin += 262144) {
    const std::size_t size = std::min<std::size_t>(262144, data.size() - begin);
    std::vector<std::byte> padded(data.begin() + static_cast<std::ptrdiff_t>(begin),
                                  data.begin() + static_cast<std::ptrdiff_t>(begin + size));
    padded.resize((size + 63) / 64 * 64);
    std::uint64_t lane[] = {salt[3], salt[2], salt[1], salt[0]};
    for (std::size_t at = 0; at < padded.size(); at += 16) {
      std::uint64_t words[2];
      std::memcpy(words, padded.data() + at, 16);
      const std::size_t i = at / 16 % 4;
      lane[i] = fold_by_halves(words[0] ^ salt[i], words[1] ^ lane[i]);
    }
    std::uint64_t sum = size;
    for (int i = 0; i < 4; ++i) sum = fold_by_halves(sum ^ lane[i], salt[i]);
    pieces.push_back(sum);
  }
  std::uint64_t sum = pieces.size();
  for (const std::uint64_t piece : pieces) sum = fold_by_halves(sum ^ salt[0], piece ^ salt[1]);
  return sum;
}

TEST(Hash64, IsWhatTheFormatSays) {
  for (const std::size_t size : {0u, 1u, 16u, 63u, 64u, 65u, 1000u, 262143u, 262144u, 262145u, 600001u}) {
    const std::vector<std::byte> data = bytes_of(size);
    EXPECT_EQ(hash64(data), as_written_down(data)) << size;
  }
}

TEST(Hash64, PartsOfAnySizeGiveTheSame) {
  const std::vector<std::byte> data = bytes_of(3 * kHashPiece + 77);
  const std::uint64_t whole = hash64(data);
  for (const std::size_t part : {std::size_t{1000}, kHashPiece - 1, kHashPiece, kHashPiece + 1}) {
    Hash64 sum;
    for (std::size_t at = 0; at < data.size(); at += part)
      sum.update(std::span(data).subspan(at, std::min(part, data.size() - at)));
    EXPECT_EQ(sum.finish(), whole) << part;
  }
}

TEST(Hash64, EveryBitTheLengthAndTheOrderOfPiecesCount) {
  std::vector<std::byte> data = bytes_of(200);
  std::set<std::uint64_t> seen{hash64(data)};
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    data[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_TRUE(seen.insert(hash64(data)).second) << bit;
    data[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
  }
  for (std::size_t size = 0; size < 100; ++size)
    EXPECT_TRUE(seen.insert(hash64(std::vector<std::byte>(size))).second) << size;
  std::vector<std::byte> two = bytes_of(2 * kHashPiece), turned = two;
  std::rotate(turned.begin(), turned.begin() + kHashPiece, turned.end());
  EXPECT_NE(hash64(two), hash64(turned));
}

}  // namespace
}  // namespace moonbeam::base

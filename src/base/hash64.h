// A 64-bit checksum at the speed of memory, for weights that are checked while they are read. It finds
// damage, not an adversary's work: that is sha256.h's. docs/formats/moonbeam.md writes it down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace moonbeam::base {

/// Data is summed in pieces of this size, so that threads may share the work.
inline constexpr std::size_t kHashPiece = std::size_t{256} << 10;

/// Of one piece, at most kHashPiece bytes.
std::uint64_t hash_piece(std::span<const std::byte> piece) noexcept;
/// Of the whole, from the hashes of its pieces in order; all but the last are full.
std::uint64_t join_hashes(std::span<const std::uint64_t> pieces) noexcept;
/// Of all of it, by the calling thread.
std::uint64_t hash64(std::span<const std::byte> bytes);

/// The same for data that comes in parts of any size.
class Hash64 {
 public:
  void update(std::span<const std::byte> bytes);
  std::uint64_t finish();

 private:
  std::vector<std::byte> waiting_;  // less than a piece
  std::vector<std::uint64_t> pieces_;
};

}  // namespace moonbeam::base

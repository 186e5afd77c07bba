// Aligned memory. Large blocks are anonymous mappings that start on a huge page: reading 1 GiB of weights
// takes a third longer from 4 KiB pages.
#include "base/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "base/checked.h"
#include "base/error.h"

// Under AddressSanitizer all comes from malloc, so that it sees an overrun of a large block too.
#if defined(__SANITIZE_ADDRESS__)
#define MOONBEAM_MAP_LARGE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOONBEAM_MAP_LARGE 0
#endif
#endif
#ifndef MOONBEAM_MAP_LARGE
#define MOONBEAM_MAP_LARGE 1
#endif

namespace moonbeam::base {

namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Nothing that we load comes near: a larger request is a wrong size, and overcommit might grant it.
constexpr std::size_t kMostBytes = std::size_t{1} << 40;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

bool is_mapped(std::size_t bytes) {
  return MOONBEAM_MAP_LARGE && bytes >= kHugePage;
}

/// Maps a huge page more than asked for and gives back what lies before and after the aligned part. The
/// length itself is not rounded to huge pages: hundreds of tensors would each waste the rest of one. Null if
/// refused.
void* map_large(std::size_t bytes) {
  const std::size_t length = round_up(bytes, page_size());
  void* mapped =
      mmap(nullptr, length + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  const std::size_t before = round_up(address, kHugePage) - address;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + length, kHugePage - before);
  madvise(begin + before, length, MADV_HUGEPAGE);  // a wish: kernels without huge pages refuse
  return begin + before;
}

void* allocate_small(std::size_t bytes) {
  void* memory = nullptr;
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

}  // namespace

void* allocate_aligned(std::size_t count, std::size_t size) {
  const auto bytes = checked_mul(count, size);
  if (!bytes || *bytes > kMostBytes) {
    fail(ErrorCode::kExhausted, "out of memory: ", count, " times ", size, " bytes could not be had");
  }
  void* memory = is_mapped(*bytes) ? map_large(*bytes) : allocate_small(*bytes);
  if (memory == nullptr) {
    fail(ErrorCode::kExhausted, "out of memory: ", format_bytes(static_cast<std::int64_t>(*bytes)),
         " could not be had");
  }
  return memory;
}

void free_aligned(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  if (is_mapped(bytes)) {
    munmap(memory, round_up(bytes, page_size()));
  } else {
    std::free(memory);
  }
}

}  // namespace moonbeam::base

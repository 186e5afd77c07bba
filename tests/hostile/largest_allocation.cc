#include "hostile/largest_allocation.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace moonbeam::testing {

static std::atomic<std::size_t> largest{0};

std::size_t largest_allocation() noexcept {
  return largest.load();
}
void reset_largest_allocation() noexcept {
  largest = 0;
}

static void* allocate(std::size_t size) {
  std::size_t seen = largest.load(std::memory_order_relaxed);
  while (size > seen && !largest.compare_exchange_weak(seen, size)) {
  }
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace moonbeam::testing

void* operator new(std::size_t size) {
  return moonbeam::testing::allocate(size);
}
void* operator new[](std::size_t size) {
  return moonbeam::testing::allocate(size);
}
// std::stable_sort asks this way; the sanitizers want all forms to match.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return moonbeam::testing::allocate(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

#include "hostile/watched_new.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace moonbeam::testing {

static std::atomic<long> calls{0};
static std::atomic<long> failing{-1};
static std::atomic<std::size_t> largest{0};

void fail_new(long n) noexcept {
  calls = 0;
  failing = n;
}
long stop_failing_new() noexcept {
  failing = -1;
  return calls;
}

std::size_t largest_allocation() noexcept {
  return largest.load();
}
void reset_largest_allocation() noexcept {
  largest = 0;
}

// Null where it is this call's turn, or where there is none.
static void* allocate(std::size_t size, std::size_t alignment) noexcept {
  std::size_t seen = largest.load(std::memory_order_relaxed);
  while (size > seen && !largest.compare_exchange_weak(seen, size)) {
  }
  if (calls.fetch_add(1) == failing.load()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size ? size : 1);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void* allocate_or_throw(std::size_t size, std::size_t alignment = 1) {
  if (void* memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace moonbeam::testing

// All forms, so that each `delete` meets its `new`; the sanitizers check that.
void* operator new(std::size_t size) {
  return moonbeam::testing::allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
  return moonbeam::testing::allocate_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return moonbeam::testing::allocate(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return moonbeam::testing::allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return moonbeam::testing::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return moonbeam::testing::allocate_or_throw(size, static_cast<std::size_t>(alignment));
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
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

// Memory for weights, activations and caches: 64-byte aligned, in huge pages where it is large.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace moonbeam::base {

/// `count` elements of `size` bytes, not initialised. Throws Error kExhausted instead of std::bad_alloc, also
/// where the product overflows.
void* allocate_aligned(std::size_t count, std::size_t size = 1);
/// `bytes` is what was asked for, count * size.
void free_aligned(void* memory, std::size_t bytes) noexcept;

/// Fixed-size array of a trivial type. Not initialised: fresh large buffers are zero pages of the kernel, but
/// nothing may rely on it.
template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size)
      : data_(size ? static_cast<T*>(allocate_aligned(size, sizeof(T))) : nullptr), size_(size) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (data_) free_aligned(data_, size_ * sizeof(T));
  }

  /// At least `size` elements; what was in it is lost if it grows.
  void reserve_discard(std::size_t size) {
    if (size > size_) *this = Buffer(size);
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  std::span<T> span() noexcept { return {data_, size_}; }
  std::span<const T> span() const noexcept { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace moonbeam::base

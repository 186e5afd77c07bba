// `new` that fails when told to and remembers the largest single piece it gave out: a lying count shows here
// even where the system would hand out the memory without complaint.
#pragma once

#include <cstddef>

namespace moonbeam::testing {

/// From now on, of all threads: the n-th call of `new` (the first is 0) throws std::bad_alloc, once.
void fail_new(long n) noexcept;
/// None fails any more.
/// @return calls since fail_new().
long stop_failing_new() noexcept;

/// Bytes in one piece since the last reset, of all threads.
std::size_t largest_allocation() noexcept;
void reset_largest_allocation() noexcept;

}  // namespace moonbeam::testing

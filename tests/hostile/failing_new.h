// `new` that fails when told to.
#pragma once

namespace moonbeam::testing {

/// From now on, of all threads: the n-th call of `new` (the first is 0) throws std::bad_alloc, once.
void fail_new(long n) noexcept;
/// None fails any more.
/// @return calls since fail_new().
long stop_failing_new() noexcept;

}  // namespace moonbeam::testing

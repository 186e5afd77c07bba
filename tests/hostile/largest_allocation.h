// The largest single piece of memory that `new` gave out: a lying count shows here even where the system
// would hand out the memory without complaint.
#pragma once

#include <cstddef>

namespace moonbeam::testing {

/// Since the last reset, of all threads.
std::size_t largest_allocation() noexcept;
void reset_largest_allocation() noexcept;

}  // namespace moonbeam::testing

// Where a person looks, averaged over many guesses.
#pragma once

#include <vector>

#include <moonbeam/types.h>

namespace moonbeam::tasks {

/// Leaves out points whose mean distance to their two nearest neighbours is more than twice the median of
/// those distances. Three points or fewer stay.
std::vector<Point> remove_outliers(const std::vector<Point>& points);

Point mean(const std::vector<Point>& points) noexcept;  ///< not empty

}  // namespace moonbeam::tasks

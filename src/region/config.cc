// Validation of the region heads' sizes.
#include "region/config.h"

#include <string_view>

#include "base/error.h"

namespace moonbeam::region {

namespace {

void check_range(std::string_view field, int value, int low, int high) {
  if (value < low || value > high) {
    base::fail(ErrorCode::kCorrupt, "config region.", field, ": expected ", low, "..", high, ", got ", value);
  }
}

}  // namespace

void RegionConfig::validate() const {
  check_range("dim", dim, 1, 1 << 16);
  check_range("coord_feat_dim", coord_feat_dim, 2, 1 << 16);
  check_range("coord_out_dim", coord_out_dim, 2, 1 << 16);
  check_range("size_feat_dim", size_feat_dim, 2, 1 << 16);
  check_range("size_out_dim", size_out_dim, 4, 1 << 17);
  check_range("inner_dim", inner_dim, 1, 1 << 18);
  check_range("coord_divisor", coord_divisor, 1, 1 << 16);
  if (coord_feat_dim % 2 != 0 || size_feat_dim % 2 != 0 || size_out_dim % 2 != 0) {
    base::fail(ErrorCode::kCorrupt,
               "config region: coord_feat_dim, size_feat_dim and size_out_dim must be even, got ",
               coord_feat_dim, ", ", size_feat_dim, ", ", size_out_dim);
  }
}

}  // namespace moonbeam::region

// Validation of the region heads' sizes.
#include "region/config.h"

#include "base/checked.h"
#include "base/error.h"

namespace moonbeam::region {

void RegionConfig::validate() const {
  base::check_range("region.dim", dim, 1, 1 << 16);
  base::check_range("region.coord_feat_dim", coord_feat_dim, 2, 1 << 16);
  base::check_range("region.coord_out_dim", coord_out_dim, 2, 1 << 16);
  base::check_range("region.size_feat_dim", size_feat_dim, 2, 1 << 16);
  base::check_range("region.size_out_dim", size_out_dim, 4, 1 << 17);
  base::check_range("region.inner_dim", inner_dim, 1, 1 << 18);
  base::check_range("region.coord_divisor", coord_divisor, 1, 1 << 16);
  if (coord_feat_dim % 2 != 0 || size_feat_dim % 2 != 0 || size_out_dim % 2 != 0) {
    base::fail(ErrorCode::kCorrupt,
               "config region: coord_feat_dim, size_feat_dim and size_out_dim must be even, got ",
               coord_feat_dim, ", ", size_feat_dim, ", ", size_out_dim);
  }
}

}  // namespace moonbeam::region

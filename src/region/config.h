// Sizes of the region heads.
#pragma once

namespace moonbeam::region {

struct RegionConfig {
  int dim = 2048;
  int coord_feat_dim = 256;  // cos and sin together
  int coord_out_dim = 1024;  // bins
  int size_feat_dim = 512;
  int size_out_dim = 2048;  // bins of the width, then of the height
  int inner_dim = 8192;
  int coord_divisor = 1024;  // coordinate = bin / coord_divisor

  void validate() const;  // throws kUnsupported or kCorrupt, naming the field
};

}  // namespace moonbeam::region

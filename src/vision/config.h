// Sizes of the image encoder and how a picture becomes crops.
#pragma once

namespace moonbeam::vision {

/// How a picture is cut. The published releases differ (model.md 2.3, 2.5).
enum class Cropping {
  kOverlapCrops,  ///< 2025: a global crop and overlapping local crops, Lanczos, stitched and pooled
  kViews2024,     ///< 2024-05-20 on: a global view and up to 4 tiles, bicubic, bilinear merge
  kSingle,        ///< until 2024-05-08, and GGUF: one crop, bicubic
};

struct VisionConfig {
  int dim = 1152;
  int patch_size = 14;  // pixels
  int layers = 27;
  int ff_dim = 4304;
  int heads = 16;
  int proj_out_dim = 2048;
  int proj_inner_dim = 8192;
  int proj_in_dim = 2304;  // dim, or twice dim where two feature maps are concatenated
  int crop_size = 378;     // pixels, square
  int channels = 3;
  int max_crops = 12;      // local crops
  int overlap_margin = 4;  // patches
  int image_grid = 27;     // side of the grid of image embeddings
  float eps = 1e-5f;
  Cropping cropping = Cropping::kOverlapCrops;

  constexpr int grid_side() const { return crop_size / patch_size; }  // patches; 27 like layers, by chance
  constexpr int patches() const { return grid_side() * grid_side(); }
  constexpr int patch_dim() const { return channels * patch_size * patch_size; }
  constexpr int head_width() const { return dim / heads; }
  constexpr int image_tokens() const { return image_grid * image_grid; }
  void validate() const;  // throws kUnsupported or kCorrupt, naming the field
};

}  // namespace moonbeam::vision

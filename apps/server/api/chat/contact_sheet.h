// Several pictures as one.
#pragma once

#include <vector>

#include <moonbeam/image.h>

namespace moonbeam::server {

/// Rows of equal cells, read from the top left, each picture scaled down to fit its cell, on black.
/// `pictures` are not empty; neither is any of them.
Image contact_sheet(const std::vector<Image>& pictures);

}  // namespace moonbeam::server

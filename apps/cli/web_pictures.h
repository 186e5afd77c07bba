// --allow-url-images: pictures that a request only names by their address.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/options.h"

namespace moonbeam::cli {

/// Threads that may wait for other servers at once; the server has so many more for it.
inline constexpr int kWebPictures = 4;

/// The bytes at `url`, for the field that named it; empty where the options do not allow that.
/// What it returns throws server::Refusal: 400 url_not_allowed, image_fetch_failed; 413 image_too_large;
/// 429 queue_full beyond kWebPictures at once.
std::function<std::string(std::string_view url, const std::string& field)> web_pictures(
    const ServeArgs& args);

}  // namespace moonbeam::cli

// Pictures to PNG and JPEG bytes, handed out in pieces as they are made.
#pragma once

#include <moonbeam/image.h>

#include <string_view>

#include "base/thread_pool.h"

namespace moonbeam::image {

using Sink = base::FunctionRef<void(std::string_view)>;

/// `name` stands in front of error messages. What `sink` throws passes through.
/// @throws Error kInvalidArgument (no picture), kUnsupported (too large for the format), kExhausted.
void encode_png(const Image& image, const std::string& name, Sink sink);
void encode_jpeg(const Image& image, int quality, const std::string& name, Sink sink);

}  // namespace moonbeam::image

// What both writers do with a tensor: know its size, let it write itself, see that it kept its word.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"
#include "formats/safetensors.h"

namespace moonbeam::formats {

/// @throws Error kInvalidArgument if the shape overflows or does not fit the type's blocks.
std::uint64_t tensor_bytes(const TensorToWrite& tensor, const std::string& where);

/// @throws Error kInvalidArgument if it wrote more or fewer bytes than its shape says.
void stream_tensor(const TensorToWrite& tensor, base::AtomicFile& file, const std::string& where);

}  // namespace moonbeam::formats

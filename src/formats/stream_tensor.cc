#include "formats/stream_tensor.h"

#include "base/error.h"

namespace moonbeam::formats {

std::uint64_t tensor_bytes(const TensorToWrite& tensor, const std::string& where) {
  const auto bytes = tensor::byte_size(tensor.shape, tensor.dtype);
  if (!bytes) {
    base::fail(ErrorCode::kInvalidArgument, where, ": '", base::printable(tensor.name),
               "': ", tensor.shape.to_string(), " does not fit type ", tensor::info(tensor.dtype).name);
  }
  return *bytes;
}

void stream_tensor(const TensorToWrite& tensor, base::AtomicFile& file, const std::string& where) {
  const std::uint64_t expected = tensor_bytes(tensor, where);
  const std::uint64_t before = file.position();
  tensor.write([&](std::span<const std::byte> bytes) { file.write(bytes); });
  const std::uint64_t written = file.position() - before;
  if (written != expected) {
    base::fail(ErrorCode::kInvalidArgument, where, ": '", base::printable(tensor.name), "': expected ",
               expected, " bytes to write, got ", written);
  }
}

}  // namespace moonbeam::formats

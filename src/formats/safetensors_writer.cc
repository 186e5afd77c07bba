// Writes safetensors: header first, data streamed after it, the name given last. The same tensors give the
// same bytes.
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/json_value.h"
#include "formats/safetensors.h"
#include "formats/stream_tensor.h"
#include "formats/tensor_size.h"

namespace moonbeam::formats {

namespace {

constexpr std::size_t kDataAlignment = 64;  // of the first byte of data in the file

std::string metadata_text(const std::map<std::string, std::string>& metadata) {
  std::string out = "\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (out.back() != '{') out += ',';
    out += base::cat(json_quote(key), ":", json_quote(value));
  }
  return out + "}";
}

std::string header_text(std::span<const TensorToWrite> tensors,
                        const std::map<std::string, std::string>& metadata, const std::string& where) {
  std::string out = "{";
  if (!metadata.empty()) out += metadata_text(metadata);
  std::set<std::string_view> names;
  std::uint64_t at = 0;
  for (const TensorToWrite& tensor : tensors) {
    const tensor::DTypeInfo& type = tensor::info(tensor.dtype);
    if (type.safetensors.empty()) {
      base::fail(ErrorCode::kUnsupported, where, ": '", base::printable(tensor.name),
                 "': safetensors has no type ", type.name);
    }
    if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      base::fail(ErrorCode::kInvalidArgument, where, ": two tensors named '", base::printable(tensor.name),
                 "'");
    }
    const std::uint64_t end = base::checked_add(at, tensor_bytes(tensor, where)).value_or(0);
    if (end < at) base::fail(ErrorCode::kInvalidArgument, where, ": more than 2^64 bytes of data");
    std::string shape = tensor.shape.to_string();
    if (out.size() > 1) out += ',';
    out += base::cat(json_quote(tensor.name), ":{\"dtype\":\"", type.safetensors, "\",\"shape\":", shape,
                     ",\"data_offsets\":[", at, ",", end, "]}");
    at = end;
  }
  out += "}";
  while ((8 + out.size()) % kDataAlignment != 0) out += ' ';
  return out;
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string where = base::printable(path);
  const std::string header = header_text(tensors, metadata, where);
  base::AtomicFile file(path);
  const auto length = static_cast<std::uint64_t>(header.size());
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const TensorToWrite& tensor : tensors) stream_tensor(tensor, file, where);
  file.commit();
}

}  // namespace moonbeam::formats

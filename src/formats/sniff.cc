#include "formats/sniff.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "formats/little_endian.h"

namespace moonbeam::formats {

namespace {

struct Foreign {
  std::string_view magic;
  ErrorCode code;
  std::string_view what;
};

// Mistakes that people make with model files, most specific first.
constexpr Foreign kForeign[] = {
    {"version https://git-lfs", ErrorCode::kCorrupt,
     "a Git LFS pointer: the file itself was not downloaded (git lfs pull)"},
    {"<!DOCTYPE", ErrorCode::kCorrupt, "an HTML page: the download did not give the file"},
    {"<!doctype", ErrorCode::kCorrupt, "an HTML page: the download did not give the file"},
    {"<html", ErrorCode::kCorrupt, "an HTML page: the download did not give the file"},
    {"<HTML", ErrorCode::kCorrupt, "an HTML page: the download did not give the file"},
    {"<?xml", ErrorCode::kCorrupt, "an XML page: the download did not give the file"},
    {"PK\x03\x04", ErrorCode::kUnsupported,
     "a zip archive, perhaps PyTorch's .bin or .pt: save it as safetensors first"},
    {"\x80\x02", ErrorCode::kUnsupported, "a Python pickle, perhaps PyTorch's: save it as safetensors first"},
    {"\x80\x03", ErrorCode::kUnsupported, "a Python pickle, perhaps PyTorch's: save it as safetensors first"},
    {"\x80\x04", ErrorCode::kUnsupported, "a Python pickle, perhaps PyTorch's: save it as safetensors first"},
    {"\x89HDF", ErrorCode::kUnsupported, "an HDF5 file"},
    {"\x93NUMPY", ErrorCode::kUnsupported, "a NumPy array"},
    {"GGUF", ErrorCode::kUnsupported, "a GGUF file: name it .gguf"},
    {"ggjt", ErrorCode::kUnsupported, "a GGML file older than GGUF"},
    {"tjgg", ErrorCode::kUnsupported, "a GGML file older than GGUF"},
    {"lmgg", ErrorCode::kUnsupported, "a GGML file older than GGUF"},
    {"\x1f\x8b", ErrorCode::kUnsupported, "a gzip archive: unpack it first"},
    {"\xfd"
     "7zXZ",
     ErrorCode::kUnsupported, "an xz archive: unpack it first"},
    {"\x28\xb5\x2f\xfd", ErrorCode::kUnsupported, "a zstd archive: unpack it first"},
    {"\x89PNG", ErrorCode::kUnsupported, "a PNG picture"},
    {"\xff\xd8\xff", ErrorCode::kUnsupported, "a JPEG picture"},
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Container sniff_container(std::span<const std::byte> bytes) noexcept {
  const std::string_view text = text_of(bytes);
  if (text.starts_with("GGUF")) return Container::kGguf;
  // A header length below 4 GiB, then the header's brace.
  if (text.size() >= 9 && text[8] == '{' && text.substr(4, 4) == std::string_view("\0\0\0\0", 4)) {
    return Container::kSafetensors;
  }
  return Container::kUnknown;
}

void refuse_foreign_file(std::span<const std::byte> bytes, const std::string& name, std::string_view expected,
                         Container own) {
  if (bytes.empty()) base::fail(ErrorCode::kCorrupt, name, ": expected ", expected, ", got an empty file");
  const std::string_view text = text_of(bytes);
  for (const Foreign& known : kForeign) {
    if (text.starts_with(known.magic)) {
      base::fail(known.code, name, ": expected ", expected, ", got ", known.what);
    }
  }
  if (own != Container::kSafetensors && sniff_container(bytes) == Container::kSafetensors) {
    base::fail(ErrorCode::kUnsupported, name, ": expected ", expected,
               ", got a safetensors file: name it .safetensors");
  }
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  if (first < text.size() && text[first] == '{') {
    base::fail(ErrorCode::kCorrupt, name, ": expected ", expected, ", got JSON text");
  }
}

}  // namespace moonbeam::formats

// Writes GGUF version 3. A whole number takes 32 bits where it fits and 64 else, a float 32 where that loses
// nothing: what other readers expect, and the same keys give the same bytes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "formats/gguf_types.h"
#include "formats/stream_tensor.h"

namespace moonbeam::formats {

namespace {

constexpr std::uint64_t kAlignment = 64;

// The part before the data, put together in memory.
class Header {
 public:
  template <typename T>
  void number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void type(GgufType value) { number(static_cast<std::uint32_t>(value)); }
  void string(std::string_view value) {
    number(static_cast<std::uint64_t>(value.size()));
    text_ += value;
  }
  void pad() { text_.resize((text_.size() + kAlignment - 1) / kAlignment * kAlignment, '\0'); }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

bool fits_i32(std::int64_t value) {
  return value == static_cast<std::int32_t>(value);
}
bool fits_f32(double value) {
  if (std::isnan(value)) return true;
  return std::isinf(value) || (std::abs(value) <= std::numeric_limits<float>::max() &&
                               static_cast<double>(static_cast<float>(value)) == value);
}

void write_value(Header& out, bool value) {
  out.type(GgufType::kBool);
  out.number(static_cast<std::uint8_t>(value ? 1 : 0));
}
void write_value(Header& out, std::int64_t value) {
  out.type(fits_i32(value) ? GgufType::kI32 : GgufType::kI64);
  fits_i32(value) ? out.number(static_cast<std::int32_t>(value)) : out.number(value);
}
void write_value(Header& out, std::uint64_t value) {
  const bool narrow = value <= std::numeric_limits<std::uint32_t>::max();
  out.type(narrow ? GgufType::kU32 : GgufType::kU64);
  narrow ? out.number(static_cast<std::uint32_t>(value)) : out.number(value);
}
void write_value(Header& out, double value) {
  out.type(fits_f32(value) ? GgufType::kF32 : GgufType::kF64);
  fits_f32(value) ? out.number(static_cast<float>(value)) : out.number(value);
}
void write_value(Header& out, const std::string& value) {
  out.type(GgufType::kString);
  out.string(value);
}
void write_value(Header& out, const std::vector<std::int64_t>& values) {
  const bool narrow = std::all_of(values.begin(), values.end(), fits_i32);
  out.type(GgufType::kArray);
  out.type(narrow ? GgufType::kI32 : GgufType::kI64);
  out.number(static_cast<std::uint64_t>(values.size()));
  for (const std::int64_t value : values) {
    narrow ? out.number(static_cast<std::int32_t>(value)) : out.number(value);
  }
}
void write_value(Header& out, const std::vector<double>& values) {
  const bool narrow = std::all_of(values.begin(), values.end(), fits_f32);
  out.type(GgufType::kArray);
  out.type(narrow ? GgufType::kF32 : GgufType::kF64);
  out.number(static_cast<std::uint64_t>(values.size()));
  for (const double value : values) narrow ? out.number(static_cast<float>(value)) : out.number(value);
}
void write_value(Header& out, const std::vector<std::string>& values) {
  out.type(GgufType::kArray);
  out.type(GgufType::kString);
  out.number(static_cast<std::uint64_t>(values.size()));
  for (const std::string& value : values) out.string(value);
}

using Keys = std::vector<std::pair<std::string, GgufValue>>;

void write_keys(Header& out, const Keys& keys, const std::string& where) {
  out.string("general.alignment");
  write_value(out, kAlignment);
  std::set<std::string_view> seen = {"general.alignment"};
  for (const auto& [key, value] : keys) {
    if (key.empty() || !seen.insert(key).second) {
      base::fail(ErrorCode::kInvalidArgument, where, ": key '", base::printable(key),
                 "' is empty, ours to write, or there twice");
    }
    out.string(key);
    std::visit([&](const auto& held) { write_value(out, held); }, value);
  }
}

// Table of tensors in the order given, each at the next aligned offset.
void write_table(Header& out, std::span<const TensorToWrite> tensors, const std::string& where) {
  std::set<std::string_view> seen;
  std::uint64_t at = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::string which = base::cat(where, ": '", base::printable(tensor.name), "'");
    const tensor::DTypeInfo& type = tensor::info(tensor.dtype);
    if (type.gguf < 0) base::fail(ErrorCode::kUnsupported, which, ": GGUF has no type ", type.name);
    if (tensor.shape.rank() < 1 || tensor.shape.rank() > 4) {
      base::fail(ErrorCode::kUnsupported, which, ": GGUF holds 1 to 4 dimensions, got ", tensor.shape.rank());
    }
    if (tensor.name.empty() || !seen.insert(tensor.name).second) {
      base::fail(ErrorCode::kInvalidArgument, which, ": the name is empty or there twice");
    }
    out.string(tensor.name);
    out.number(static_cast<std::uint32_t>(tensor.shape.rank()));
    for (int d = tensor.shape.rank() - 1; d >= 0; --d) {
      out.number(static_cast<std::uint64_t>(tensor.shape[d]));
    }
    out.number(static_cast<std::uint32_t>(type.gguf));
    out.number(at);
    const auto end = base::checked_add(at, tensor_bytes(tensor, where));
    const auto padded = end ? base::checked_add(*end, kAlignment - 1) : std::nullopt;
    if (!padded) base::fail(ErrorCode::kInvalidArgument, which, ": more than 2^64 bytes of data");
    at = *padded / kAlignment * kAlignment;
  }
}

}  // namespace

void write_gguf(const std::string& path, const Keys& keys, std::span<const TensorToWrite> tensors) {
  const std::string where = base::printable(path);
  Header header;
  header.number(std::uint32_t{0x46554747});  // "GGUF"
  header.number(std::uint32_t{3});
  header.number(static_cast<std::uint64_t>(tensors.size()));
  header.number(static_cast<std::uint64_t>(keys.size() + 1));
  write_keys(header, keys, where);
  write_table(header, tensors, where);
  header.pad();

  base::AtomicFile file(path);
  file.write(header.text());
  constexpr std::byte kZeros[kAlignment] = {};
  for (const TensorToWrite& tensor : tensors) {
    stream_tensor(tensor, file, where);
    const std::uint64_t over = file.position() % kAlignment;
    if (over != 0) file.write(std::span(kZeros).first(kAlignment - over));
  }
  file.commit();
}

}  // namespace moonbeam::formats

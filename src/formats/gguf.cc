// Reads GGUF: header, keys, tensor table; each length is compared with the bytes that are left before
// anything is made of it. docs/formats/gguf.md draws the container. Writing is gguf_writer.cc.
#include "formats/gguf.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "formats/gguf_types.h"
#include "formats/little_endian.h"
#include "formats/sniff.h"
#include "formats/tensor_size.h"

namespace moonbeam::formats {

namespace {

constexpr int kMaxArrayDepth = 4;
constexpr std::uint64_t kMaxElements =
    4'000'000;                             // of all arrays: a tokenizer of 256,000 tokens has half of it
constexpr std::uint64_t kMaxName = 65535;  // bytes of a key or a tensor's name
constexpr std::uint64_t kMinKeyBytes = 8 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;

// Reads forward; fails where the file ends too early. `what_` is the piece being read, for messages.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), what_(name) {}

  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t remaining() const noexcept { return bytes_.size() - position_; }
  void reading(std::string what) { what_ = std::move(what); }
  const std::string& where() const noexcept { return what_; }

  template <typename T>
  T number() {
    need(sizeof(T));
    const T value = load_le<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  std::string string(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) {
    const auto length = number<std::uint64_t>();
    if (length > limit) {
      base::fail(ErrorCode::kCorrupt, what_, ": expected a string of at most ", limit, " bytes, got ",
                 length);
    }
    need(length);
    std::string out(reinterpret_cast<const char*>(bytes_.data() + position_), length);
    position_ += length;
    return out;
  }

  // A count of things of at least `each` bytes: more than fit the rest of the file is a lie.
  std::uint64_t count(std::uint64_t each, std::string_view things) {
    const auto value = number<std::uint64_t>();
    const auto least = base::checked_mul(value, each);
    if (!least || *least > remaining()) {
      base::fail(ErrorCode::kCorrupt, what_, ": ", value, " ", things, " do not fit the ", remaining(),
                 " bytes that are left");
    }
    return value;
  }

 private:
  void need(std::uint64_t size) const {
    if (!base::range_fits(position_, size, bytes_.size())) {
      base::fail(ErrorCode::kCorrupt, what_, ": expected ", size, " bytes at offset ", position_, ", got ",
                 remaining(), ": truncated?");
    }
  }

  std::span<const std::byte> bytes_;
  std::uint64_t position_ = 0;
  std::string what_;
};

bool read_bool(Cursor& in) {
  const auto value = in.number<std::uint8_t>();
  if (value > 1) base::fail(ErrorCode::kCorrupt, in.where(), ": expected a bool of 0 or 1, got ", value);
  return value == 1;
}

// Any whole number that fits int64.
std::int64_t read_whole(Cursor& in, GgufType type) {
  switch (type) {
    case GgufType::kU8:
      return in.number<std::uint8_t>();
    case GgufType::kI8:
      return in.number<std::int8_t>();
    case GgufType::kU16:
      return in.number<std::uint16_t>();
    case GgufType::kI16:
      return in.number<std::int16_t>();
    case GgufType::kU32:
      return in.number<std::uint32_t>();
    case GgufType::kI32:
      return in.number<std::int32_t>();
    case GgufType::kI64:
      return in.number<std::int64_t>();
    case GgufType::kBool:
      return read_bool(in) ? 1 : 0;
    default:
      break;
  }
  const auto value = in.number<std::uint64_t>();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    base::fail(ErrorCode::kUnsupported, in.where(), ": array element ", value, " is larger than 2^63 - 1");
  }
  return static_cast<std::int64_t>(value);
}

double read_float(Cursor& in, GgufType type) {
  return type == GgufType::kF32 ? static_cast<double>(in.number<float>()) : in.number<double>();
}

GgufType read_type(Cursor& in) {
  const auto number = in.number<std::uint32_t>();
  if (number > static_cast<std::uint32_t>(GgufType::kF64)) {
    base::fail(ErrorCode::kCorrupt, in.where(), ": expected a value type of 0..12, got ", number);
  }
  return static_cast<GgufType>(number);
}

template <typename T, typename Read>
std::vector<T> read_elements(std::uint64_t count, Read read) {
  std::vector<T> out;
  out.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(read());
  return out;
}

// `budget`: array elements that this file may still have.
GgufValue read_array(Cursor& in, int depth, std::uint64_t& budget) {
  if (depth > kMaxArrayDepth) {
    base::fail(ErrorCode::kCorrupt, in.where(), ": arrays nested deeper than ", kMaxArrayDepth);
  }
  const GgufType type = read_type(in);
  const std::uint64_t count = in.count(least_bytes(type), "array elements");
  if (count > budget) {
    base::fail(ErrorCode::kUnsupported, in.where(), ": more than ", kMaxElements,
               " array elements in the file");
  }
  budget -= count;
  switch (type) {
    case GgufType::kArray:
      for (std::uint64_t i = 0; i < count; ++i) read_array(in, depth + 1, budget);
      return std::vector<std::int64_t>();
    case GgufType::kString:
      return read_elements<std::string>(count, [&] { return in.string(); });
    case GgufType::kF32:
    case GgufType::kF64:
      return read_elements<double>(count, [&] { return read_float(in, type); });
    default:
      return read_elements<std::int64_t>(count, [&] { return read_whole(in, type); });
  }
}

GgufValue read_value(Cursor& in, std::uint64_t& budget) {
  const GgufType type = read_type(in);
  switch (type) {
    case GgufType::kBool:
      return read_bool(in);
    case GgufType::kString:
      return in.string();
    case GgufType::kArray:
      return read_array(in, 1, budget);
    case GgufType::kF32:
    case GgufType::kF64:
      return read_float(in, type);
    case GgufType::kU64:
      return in.number<std::uint64_t>();
    case GgufType::kU8:
    case GgufType::kU16:
    case GgufType::kU32:
      return static_cast<std::uint64_t>(read_whole(in, type));
    default:
      return read_whole(in, type);
  }
}

std::string read_name(Cursor& in, std::string_view what) {
  std::string name = in.string(kMaxName);
  if (name.empty() || !base::is_valid_utf8(name)) {
    base::fail(ErrorCode::kCorrupt, in.where(), ": expected a ", what, " in UTF-8, got '",
               base::printable(name), "'");
  }
  return name;
}

void read_keys(Cursor& in, std::uint64_t count, const std::string& name,
               std::map<std::string, GgufValue>& keys) {
  std::uint64_t budget = kMaxElements;
  for (std::uint64_t i = 0; i < count; ++i) {
    in.reading(base::cat(name, ": key ", i));
    std::string key = read_name(in, "key");
    in.reading(base::cat(name, ": key '", base::printable(key), "'"));
    GgufValue value = read_value(in, budget);
    if (!keys.emplace(std::move(key), std::move(value)).second) {
      base::fail(ErrorCode::kCorrupt, in.where(), " stands there twice");
    }
  }
}

// A tensor as the table names it; where its data is, is checked later.
struct Info {
  std::string name;
  const tensor::DTypeInfo* dtype = nullptr;
  std::vector<std::uint64_t> dims;  // our order, slowest first
  std::uint64_t offset = 0, bytes = 0;
};

Info read_info(Cursor& in, std::uint64_t index, const std::string& name) {
  Info out;
  in.reading(base::cat(name, ": tensor ", index));
  out.name = read_name(in, "tensor name");
  in.reading(base::cat(name, ": '", base::printable(out.name), "'"));
  const auto rank = in.number<std::uint32_t>();
  if (rank < 1 || rank > 4) {
    base::fail(ErrorCode::kCorrupt, in.where(), ": expected 1 to 4 dimensions, got ", rank);
  }
  for (std::uint32_t d = 0; d < rank; ++d) out.dims.push_back(in.number<std::uint64_t>());
  std::reverse(out.dims.begin(), out.dims.end());
  const auto type = in.number<std::uint32_t>();
  out.dtype = type > 0xFFFF ? nullptr : tensor::find_gguf_dtype(static_cast<int>(type));
  if (!out.dtype) base::fail(ErrorCode::kUnsupported, in.where(), ": ggml type ", type, " is not known");
  out.offset = in.number<std::uint64_t>();
  out.bytes = checked_tensor_bytes(out.dims, *out.dtype, in.where());
  return out;
}

std::uint64_t alignment_of(const std::map<std::string, GgufValue>& keys, const std::string& name) {
  const auto at = keys.find("general.alignment");
  if (at == keys.end()) return 32;
  const auto* value = std::get_if<std::uint64_t>(&at->second);
  if (!value || *value < 8 || *value > (1u << 30) || !std::has_single_bit(*value)) {
    base::fail(ErrorCode::kCorrupt, name, ": general.alignment: expected a power of two of at least 8");
  }
  return *value;
}

// Every tensor inside the data, aligned, and no two over one another. `at`: where the tensor table ends.
void check_places(std::vector<Info>& infos, std::uint64_t at, std::uint64_t file_size,
                  std::uint64_t alignment, const std::string& name, std::uint64_t& data_start) {
  const std::uint64_t padded = (at + alignment - 1) & ~(alignment - 1);  // at <= file size: far from 2^64
  data_start = std::min(padded, file_size);
  const std::uint64_t data_size = file_size - data_start;
  std::sort(infos.begin(), infos.end(), [](const Info& a, const Info& b) {
    return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
  });
  std::uint64_t end = 0;
  for (const Info& info : infos) {
    const std::string where = base::cat(name, ": '", base::printable(info.name), "'");
    if (info.offset % alignment != 0) {
      base::fail(ErrorCode::kCorrupt, where, ": expected an offset of a multiple of ", alignment, ", got ",
                 info.offset);
    }
    if (!base::range_fits(info.offset, info.bytes, data_size)) {
      base::fail(ErrorCode::kCorrupt, where, ": expected ", info.bytes, " bytes at data offset ", info.offset,
                 ", got data of ", data_size, " bytes: truncated?");
    }
    if (info.offset < end) base::fail(ErrorCode::kCorrupt, where, ": overlaps the tensor before it");
    end = info.offset + info.bytes;
  }
}

void read_header(Cursor& in, std::span<const std::byte> bytes, const std::string& name) {
  if (sniff_container(bytes) != Container::kGguf) {
    refuse_foreign_file(bytes, name, "a GGUF file");
    base::fail(ErrorCode::kCorrupt, name, ": expected a GGUF file, which begins with 'GGUF'");
  }
  in.number<std::uint32_t>();
  const auto version = in.number<std::uint32_t>();
  if (version == 0x02000000u || version == 0x03000000u) {
    base::fail(ErrorCode::kUnsupported, name, ": expected a little-endian GGUF file, got a big-endian one");
  }
  if (version != 2 && version != 3) {
    base::fail(ErrorCode::kUnsupported, name, ": expected GGUF version 2 or 3, got ", version);
  }
}

template <typename T>
[[noreturn]] void fail_type(const GgufFile& file, const std::string& key, T expected) {
  base::fail(ErrorCode::kCorrupt, base::printable(file.weights.path), ": ", key, ": expected ", expected,
             ", got another type");
}

}  // namespace

GgufFile parse_gguf(std::span<const std::byte> bytes, const std::string& file_name) {
  const std::string name = base::printable(file_name);
  GgufFile out;
  out.weights.path = file_name;
  out.weights.format = "gguf";

  Cursor in(bytes, name);
  read_header(in, bytes, name);
  const std::uint64_t tensors = in.count(kMinTensorBytes, "tensors");
  const std::uint64_t keys = in.count(kMinKeyBytes, "keys");
  read_keys(in, keys, name, out.keys);
  const std::uint64_t alignment = alignment_of(out.keys, name);

  std::vector<Info> infos;
  for (std::uint64_t i = 0; i < tensors; ++i) infos.push_back(read_info(in, i, name));
  std::uint64_t data_start = 0;
  check_places(infos, in.position(), bytes.size(), alignment, name, data_start);

  std::sort(infos.begin(), infos.end(), [](const Info& a, const Info& b) { return a.name < b.name; });
  for (Info& info : infos) {
    auto& list = out.weights.tensors;
    if (!list.empty() && list.back().name == info.name) {
      base::fail(ErrorCode::kCorrupt, name, ": two tensors named '", base::printable(info.name), "'");
    }
    list.push_back({std::move(info.name),
                    {bytes.data() + data_start + info.offset, info.dtype->type, to_shape(info.dims)}});
  }
  return out;
}

GgufFile open_gguf(const std::string& path) {
  auto mapped = base::MappedFile::open(path);
  GgufFile out = parse_gguf(mapped->bytes(), path);
  out.weights.files.push_back(std::move(mapped));
  return out;
}

const GgufValue* GgufFile::find(const std::string& key) const noexcept {
  const auto at = keys.find(key);
  return at == keys.end() ? nullptr : &at->second;
}

std::optional<std::string> GgufFile::string(const std::string& key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  fail_type(*this, key, "a string");
}

std::optional<std::int64_t> GgufFile::integer(const std::string& key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  if (const auto* number = std::get_if<std::uint64_t>(value)) {
    if (*number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return static_cast<std::int64_t>(*number);
    }
  }
  fail_type(*this, key, "a whole number below 2^63");
}

std::optional<double> GgufFile::number(const std::string& key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(value)) return static_cast<double>(*number);
  fail_type(*this, key, "a number");
}

}  // namespace moonbeam::formats

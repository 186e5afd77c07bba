// Reads safetensors. Nothing is believed before it is checked: the header's length, its JSON, each tensor's
// type, sizes and place, and that the tensors cover the data exactly. Writing is safetensors_writer.cc.
#include "formats/safetensors.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "formats/json_value.h"
#include "formats/little_endian.h"
#include "formats/sniff.h"
#include "formats/tensor_size.h"

namespace moonbeam::formats {

namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // bytes; the bound of the format's own reader

struct Entry {
  std::uint64_t begin = 0, end = 0;
  NamedTensor tensor;
};

const JsonValue& member(const JsonObject& object, std::string_view key, const std::string& where) {
  const JsonValue* value = object.find(key);
  if (!value) base::fail(ErrorCode::kCorrupt, where, ": expected a member '", key, "', got none");
  return *value;
}

std::vector<std::uint64_t> whole_numbers(const JsonValue& value, std::string_view key,
                                         const std::string& where) {
  const JsonArray* array = value.array();
  if (!array) base::fail(ErrorCode::kCorrupt, where, ": ", key, ": expected an array, got ", value.kind());
  std::vector<std::uint64_t> out;
  for (const JsonValue& element : *array) {
    const std::uint64_t* number = element.whole();
    if (!number) {
      base::fail(ErrorCode::kCorrupt, where, ": ", key, ": expected whole numbers, got ", element.kind());
    }
    out.push_back(*number);
  }
  return out;
}

Entry read_entry(const std::string& name, const JsonValue& value, std::span<const std::byte> data,
                 const std::string& where) {
  const JsonObject* object = value.object();
  if (!object) base::fail(ErrorCode::kCorrupt, where, ": expected an object, got ", value.kind());
  const JsonValue& dtype = member(*object, "dtype", where);
  if (!dtype.string()) {
    base::fail(ErrorCode::kCorrupt, where, ": dtype: expected a string, got ", dtype.kind());
  }
  const tensor::DTypeInfo* type = tensor::find_safetensors_dtype(*dtype.string());
  if (!type) {
    base::fail(ErrorCode::kUnsupported, where, ": dtype '", base::printable(*dtype.string()),
               "' is not known");
  }
  const auto dims = whole_numbers(member(*object, "shape", where), "shape", where);
  const auto offsets = whole_numbers(member(*object, "data_offsets", where), "data_offsets", where);
  if (offsets.size() != 2) {
    base::fail(ErrorCode::kCorrupt, where, ": data_offsets: expected 2 numbers, got ", offsets.size());
  }
  const std::uint64_t begin = offsets[0], end = offsets[1];
  if (begin > end) base::fail(ErrorCode::kCorrupt, where, ": data_offsets: begin ", begin, " > end ", end);
  if (end > data.size()) {
    base::fail(ErrorCode::kCorrupt, where, ": data_offsets: expected an end within the ", data.size(),
               " bytes of data, got ", end);
  }
  const std::uint64_t expected = checked_tensor_bytes(dims, *type, where);
  if (end - begin != expected) {
    base::fail(ErrorCode::kCorrupt, where, ": expected ", expected, " bytes for ", to_shape(dims).to_string(),
               " ", type->name, ", got ", end - begin);
  }
  return {begin, end, {name, {data.data() + begin, type->type, to_shape(dims)}}};
}

// Each begins where the last one ended and the last one ends where the file does: no hole in which another
// format could hide, no byte that is two tensors.
void check_cover(std::vector<Entry>& entries, std::uint64_t data_size, const std::string& name) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      base::fail(ErrorCode::kCorrupt, name, ": '", base::printable(entry.tensor.name),
                 "': expected to begin at ", at, ", got ", entry.begin,
                 entry.begin < at ? " (overlap)" : " (hole)");
    }
    at = entry.end;
  }
  if (at != data_size) {
    base::fail(ErrorCode::kCorrupt, name, ": expected ", at, " bytes of data by its header, got ", data_size);
  }
}

void read_metadata(const JsonValue& value, const std::string& name, std::map<std::string, std::string>* out) {
  const JsonObject* object = value.object();
  if (!object)
    base::fail(ErrorCode::kCorrupt, name, ": __metadata__: expected an object, got ", value.kind());
  for (const auto& [key, entry] : object->members) {
    if (!entry.string()) {
      base::fail(ErrorCode::kCorrupt, name, ": __metadata__: '", base::printable(key),
                 "': expected a string, got ", entry.kind());
    }
    if (out) (*out)[key] = *entry.string();
  }
}

// The header's text, its length checked against the file.
std::string_view header_text(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() < 8) {
    refuse_foreign_file(bytes, name, "a safetensors file", Container::kSafetensors);
    base::fail(ErrorCode::kCorrupt, name, ": expected a safetensors file of at least 8 bytes, got ",
               bytes.size());
  }
  const auto length = load_le<std::uint64_t>(bytes.data());
  if (length > kMaxHeader || !base::range_fits(8, length, bytes.size())) {
    refuse_foreign_file(bytes, name, "a safetensors file", Container::kSafetensors);
    if (length > kMaxHeader) {
      base::fail(ErrorCode::kCorrupt, name, ": expected a header of at most ", kMaxHeader, " bytes, got ",
                 length);
    }
    base::fail(ErrorCode::kCorrupt, name, ": expected a header of ", length, " bytes, got a file of ",
               bytes.size(), ": truncated?");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  if (!text.starts_with('{')) {
    refuse_foreign_file(bytes, name, "a safetensors file", Container::kSafetensors);
    base::fail(ErrorCode::kCorrupt, name, ": expected a header that begins with '{'");
  }
  return text;
}

}  // namespace

std::vector<NamedTensor> parse_safetensors(std::span<const std::byte> bytes, const std::string& file_name,
                                           std::map<std::string, std::string>* metadata) {
  const std::string name = base::printable(file_name);
  const std::string_view text = header_text(bytes, name);
  const JsonValue header = parse_json(text, base::cat(name, ": header"));
  const auto data = bytes.subspan(8 + text.size());

  std::vector<Entry> entries;
  for (const auto& [key, value] : header.object()->members) {
    if (key == "__metadata__") {
      read_metadata(value, name, metadata);
    } else {
      entries.push_back(read_entry(key, value, data, base::cat(name, ": '", base::printable(key), "'")));
    }
  }
  check_cover(entries, data.size(), name);

  std::vector<NamedTensor> tensors;
  tensors.reserve(entries.size());
  for (Entry& entry : entries) tensors.push_back(std::move(entry.tensor));
  std::sort(tensors.begin(), tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  return tensors;
}

WeightFile open_safetensors(const std::string& path) {
  WeightFile out;
  out.path = path;
  out.format = "safetensors";
  out.files.push_back(base::MappedFile::open(path));
  out.tensors = parse_safetensors(out.files.front()->bytes(), path, &out.metadata);
  return out;
}

}  // namespace moonbeam::formats

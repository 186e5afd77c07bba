// A folder of several safetensors files and the index that says which tensor lies in which.
#include <algorithm>
#include <map>

#include "base/error.h"
#include "formats/json_value.h"
#include "formats/safetensors.h"
#include "formats/sniff.h"

namespace moonbeam::formats {

namespace {

constexpr std::size_t kMaxIndex = 64'000'000;  // bytes
constexpr std::size_t kMaxShards = 4096;       // files open at once

// An index must not reach out of its folder.
void check_shard_name(const std::string& shard, const std::string& where) {
  const bool plain = !shard.empty() && shard != "." && shard.find("..") == std::string::npos &&
                     shard.find_first_of(std::string_view("/\\\0:", 4)) == std::string::npos;
  if (!plain) {
    base::fail(ErrorCode::kCorrupt, where, ": expected the name of a file beside the index, got '",
               base::printable(shard), "'");
  }
}

// Tensor name -> shard name.
std::map<std::string, std::string> read_index(const std::string& index_path) {
  const std::string name = base::printable(index_path);
  const std::string text = base::read_file(index_path, kMaxIndex);
  if (!text.starts_with('{')) {
    refuse_foreign_file(std::as_bytes(std::span(text.data(), text.size())), name, "an index in JSON");
  }
  const JsonValue index = parse_json(text, name);
  const JsonValue* map = index.object() ? index.object()->find("weight_map") : nullptr;
  if (!map || !map->object()) base::fail(ErrorCode::kCorrupt, name, ": expected an object 'weight_map'");
  std::map<std::string, std::string> out;
  for (const auto& [tensor, shard] : map->object()->members) {
    const std::string where = base::cat(name, ": weight_map: '", base::printable(tensor), "'");
    if (!shard.string()) base::fail(ErrorCode::kCorrupt, where, ": expected a string, got ", shard.kind());
    check_shard_name(*shard.string(), where);
    out.emplace(tensor, *shard.string());
  }
  return out;
}

}  // namespace

WeightFile open_sharded_safetensors(const std::string& index_path) {
  const std::map<std::string, std::string> index = read_index(index_path);
  const std::size_t slash = index_path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "" : index_path.substr(0, slash + 1);

  WeightFile out;
  out.path = index_path;
  out.format = "safetensors (sharded)";
  std::map<std::string, WeightFile> shards;
  for (const auto& [tensor, shard] : index) {
    if (shards.count(shard) == 0) {
      if (shards.size() == kMaxShards) {
        base::fail(ErrorCode::kUnsupported, base::printable(index_path), ": more than ", kMaxShards,
                   " files");
      }
      WeightFile file = open_safetensors(folder + shard);
      out.metadata.insert(file.metadata.begin(), file.metadata.end());
      out.files.push_back(file.files.front());
      shards.emplace(shard, std::move(file));
    }
    const tensor::TensorView* view = shards.at(shard).find(tensor);
    if (!view) {
      base::fail(ErrorCode::kCorrupt, base::printable(index_path), ": '", base::printable(tensor),
                 "': expected in '", base::printable(shard), "', which has no such tensor");
    }
    out.tensors.push_back({tensor, *view});  // in order of name, as the index is
  }
  return out;
}

}  // namespace moonbeam::formats

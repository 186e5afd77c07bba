#include "data/formats/shard_writer.h"

#include <algorithm>
#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::fail;

std::string padded(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

bool is_field(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

void check(const std::string& key, const std::map<std::string, std::string_view>& fields) {
  const std::string shown = base::printable(key);
  if (key.empty() || key.ends_with('/') || key.find('.', key.rfind('/') + 1) != std::string::npos ||
      key.find_first_of(std::string_view("\t\n\0", 3)) != std::string::npos) {
    fail(ErrorCode::kInvalidArgument, "shard: expected a key without a dot in its last part, got '", shown,
         "'");
  }
  if (fields.empty())
    fail(ErrorCode::kInvalidArgument, "shard: sample ", shown, ": expected a field at least");
  for (const auto& [field, content] : fields) {
    if (!is_field(field)) {
      fail(ErrorCode::kInvalidArgument, "shard: sample ", shown, ": field '", base::printable(field),
           "': expected a name in lower case");
    }
  }
}

}  // namespace

struct ShardWriter::Shard {
  Shard(const std::string& folder, const std::string& name)
      : file(folder + "/" + name + ".tar"),
        index(folder + "/" + name + ".idx"),
        tar([this](std::string_view piece) {
          file.write(piece);
          hash.update(std::as_bytes(std::span(piece.data(), piece.size())));
        }) {
    row.shard = name + ".tar";
  }

  base::AtomicFile file, index;
  base::Sha256 hash;
  TarWriter tar;
  ShardRow row;
  std::set<std::string> keys, images;
};

ShardWriter::ShardWriter(ShardOptions options) : options_(std::move(options)) {
  if (options_.name.empty() || options_.name.find('/') != std::string::npos) {
    fail(ErrorCode::kInvalidArgument, "shards: expected a name, got '", base::printable(options_.name), "'");
  }
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (error) base::fail_system(options_.folder, "cannot make the folder", error.value());
}

ShardWriter::~ShardWriter() = default;

void ShardWriter::begin() {
  const std::string name = cat(options_.name, "-", padded(options_.first + rows_.size()));
  shard_ = std::make_unique<Shard>(options_.folder, name);
}

void ShardWriter::end() {
  Shard& shard = *shard_;
  shard.tar.finish();
  shard.row.bytes = shard.tar.bytes();
  shard.row.sha256 = shard.hash.hex();
  shard.row.images = shard.images.size();
  shard.row.pipeline = options_.pipeline;
  shard.row.inputs = options_.inputs;
  shard.index.commit();  // first: a shard that has its name has its index
  shard.file.commit();
  rows_.push_back(std::move(shard.row));
  shard_.reset();
}

void ShardWriter::add(const std::string& key, const std::map<std::string, std::string_view>& fields,
                      const std::string& image, const std::map<std::string, std::uint64_t>& tasks) {
  check(key, fields);
  if (shard_ && shard_->keys.contains(key)) {
    fail(ErrorCode::kInvalidArgument, "shard: two samples of the key '", base::printable(key), "'");
  }
  std::uint64_t samples = 0;
  for (const auto& [task, count] : tasks) samples += count;
  if (shard_) {
    std::uint64_t bytes = shard_->tar.bytes();
    for (const auto& [field, content] : fields)
      bytes += shard_->tar.bytes_with(content.size()) - shard_->tar.bytes();
    if (shard_->row.samples + samples > options_.most_samples || bytes > options_.most_bytes) end();
  }
  if (!shard_) begin();
  for (const auto& [field, content] : fields) {
    const std::string name = key + "." + field;
    const std::uint64_t offset = shard_->tar.add(name, content);
    shard_->index.write(index_line({name, offset, content.size()}));
  }
  shard_->keys.insert(key);
  shard_->images.insert(image);
  for (const auto& [task, count] : tasks) shard_->row.by_task[task] += count;
  shard_->row.samples += samples;
}

std::vector<ShardRow> ShardWriter::finish() {
  if (shard_) end();
  base::AtomicFile manifest(options_.folder + "/manifest.jsonl");
  for (const ShardRow& row : rows_) manifest.write(manifest_line(row));
  manifest.commit();
  return rows_;
}

}  // namespace moonbeam::data

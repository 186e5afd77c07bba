#include "data/pipeline/reduce/picture_vectors.h"

#include <cmath>
#include <exception>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "base/file.h"
#include "base/hash64.h"
#include "base/text.h"
#include "data/formats/record_bytes.h"

namespace moonbeam::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "moonbeam picture vectors 1\n";
constexpr std::size_t kMostPicture = std::size_t{256} << 20, kMostVectors = std::size_t{8} << 30;

/// Its file's hash: the same picture under another name is the same.
std::string key_of(const Record& record) {
  return record.picture.sha256.empty() ? "key:" + record.input.key : record.picture.sha256;
}

std::uint64_t checksum(std::string_view bytes) {
  return base::hash64(std::as_bytes(std::span(bytes)));
}

std::string digits(int number) {
  std::string text = std::to_string(number);
  if (text.size() < 5) text.insert(0, 5 - text.size(), '0');
  return text;
}

}  // namespace

PictureVector picture_vector(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  if (!(sum > 0) || !std::isfinite(sum)) return {};
  const double scale = kVectorScale / std::sqrt(sum);
  PictureVector out;
  out.reserve(values.size());
  for (const float value : values) out.push_back(static_cast<std::int16_t>(std::lround(value * scale)));
  return out;
}

PictureVectors::PictureVectors(std::string folder, std::string pictures, const PictureEncoder& encoder,
                               int threads)
    : folder_(std::move(folder)),
      pictures_(std::move(pictures)),
      encoder_(encoder),
      pool_(threads),
      encoders_(static_cast<std::size_t>(pool_.threads())) {}

PictureVectors::Known PictureVectors::load(const std::string& path) const {
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  try {
    const std::string all = base::read_file(path, kMostVectors);
    std::string_view bytes = all;
    if (!bytes.starts_with(kMagic)) return {};
    bytes.remove_prefix(kMagic.size());
    data::RecordReader head(bytes);
    const auto sum = head.get<std::uint64_t>();
    bytes.remove_prefix(sizeof sum);
    if (checksum(bytes) != sum) return {};
    data::RecordReader reader(bytes);
    if (reader.text() != encoder_.name) return {};
    Known out;
    for (auto left = reader.get<std::uint64_t>(); left > 0; --left) {
      std::string key = reader.text();
      PictureVector vector = reader.list<std::int16_t>();
      if (vector.size() == static_cast<std::size_t>(encoder_.width)) out[std::move(key)] = std::move(vector);
    }
    return out;
  } catch (const Error&) {
    return {};
  }
}

void PictureVectors::save(const std::string& path, const std::vector<std::string>& keys,
                          const std::vector<PictureVector>& vectors) const {
  std::map<std::string, const PictureVector*> known;  // once each
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!vectors[i].empty()) known.emplace(keys[i], &vectors[i]);
  }
  data::RecordWriter writer;
  writer.text(encoder_.name);
  writer.put(static_cast<std::uint64_t>(known.size()));
  for (const auto& [key, vector] : known) {
    writer.text(key);
    writer.list(*vector);
  }
  data::RecordWriter head;
  head.put(checksum(writer.bytes()));
  base::AtomicFile file(path);
  file.write(kMagic);
  file.write(head.bytes());
  file.write(writer.bytes());
  file.commit();
}

PictureVector PictureVectors::encode(const Record& record, PictureEncoder::Encode& encode) const {
  Image image;
  try {
    const std::string bytes =
        base::read_file((fs::path(pictures_) / record.input.file).string(), kMostPicture);
    image = decode_image(std::as_bytes(std::span(bytes)), {}, record.input.file);  // as S0 saw it
  } catch (const Error&) {
    return {};
  }
  if (!encode) encode = encoder_.open();
  const std::vector<float> values = encode(image);
  if (values.size() != static_cast<std::size_t>(encoder_.width)) {
    base::fail(ErrorCode::kInvalidArgument, encoder_.name, ": expected ", encoder_.width,
               " numbers of a picture, got ", values.size());
  }
  return picture_vector(values);
}

std::vector<PictureVector> PictureVectors::of_chunk(const WorkChunk& chunk, std::span<const Record> records) {
  const std::string path =
      (fs::path(folder_) / base::cat(digits(chunk.shard), '-', digits(chunk.number))).string();
  const Known known = load(path);
  std::vector<PictureVector> out(records.size());
  std::vector<std::string> keys(records.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].status != "ok") continue;
    keys[i] = key_of(records[i]);
    if (const auto at = known.find(keys[i]); at != known.end()) {
      out[i] = at->second;
      ++found_;
    } else {
      open.push_back(i);
    }
  }
  std::exception_ptr failure;
  std::mutex guard;
  pool_.parallel_for(static_cast<int>(open.size()), [&](int index, int thread) {
    const std::size_t i = open[static_cast<std::size_t>(index)];
    try {
      out[i] = encode(records[i], encoders_[static_cast<std::size_t>(thread)]);
    } catch (...) {
      const std::lock_guard lock(guard);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  std::int64_t made = 0;
  for (const std::size_t i : open) made += !out[i].empty();
  encoded_ += made;
  unreadable_ += static_cast<std::int64_t>(open.size()) - made;
  if (made > 0) save(path, keys, out);
  return out;
}

}  // namespace moonbeam::pipeline

#include "data/pipeline/reduce/pictures.h"

#include <algorithm>
#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"
#include "data/pipeline/reduce/like_pictures.h"
#include "data/pipeline/reduce/picture_vectors.h"

namespace moonbeam::pipeline {

PictureRules::PictureRules(const DedupeOptions& options)
    : options_(options),
      evaluation_(std::max(options.picture_bits, 0)),
      hashes_(std::max(options.picture_bits, 0)) {
  for (const std::string& file : options.evaluation) evaluation_.read(file);
}

Why PictureRules::alone(const Record& record, int shard) const {
  if (record.status != "ok") return Why::kEarlier;
  const std::vector<int>& quarantine = options_.quarantine;
  if (std::find(quarantine.begin(), quarantine.end(), shard) != quarantine.end()) return Why::kQuarantine;
  return evaluation_.holds(record) ? Why::kEvaluationPicture : Why::kKept;
}

PictureFate PictureRules::next(const Record& record, int shard) {
  return next(alone(record, shard), record.picture.hash, kNone);
}

PictureFate PictureRules::next(Why alone, std::uint64_t hash, std::uint32_t like) {
  const std::uint32_t picture = pictures_++;
  if (alone != Why::kKept) return {alone};
  const bool hashed = options_.picture_bits >= 0 && hash != 0;
  if (hashed) {
    if (const auto same = hashes_.near(hash)) return {Why::kSamePicture, *same};
  }
  if (like != kNone) return {Why::kLikePicture, like};
  if (hashed) hashes_.add(hash, picture);
  return {};
}

std::vector<PictureFate> encoded_fates(const WorkFolder& work, const DedupeOptions& options,
                                       PictureRules& rules, int threads, PictureCounts& counts) {
  const std::string folder = work.path() + "/reduce/vectors";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) base::fail_system(folder, "cannot make the folder", error.value());

  PictureVectors vectors(folder, options.pictures, *options.encoder, threads);
  LikePictures looks(options.encoder->width, options.picture_cosine);
  looks.reserve(work.plan().value("pictures", std::size_t{0}));
  struct Seen {
    Why alone;
    std::uint64_t hash;
  };
  std::vector<Seen> seen;
  work.each_chunk(threads,
                  [&](std::size_t chunk, std::vector<Record>& records, std::span<const RecordPlace>) {
                    const WorkChunk& of = work.chunks()[chunk];
                    const std::vector<PictureVector> of_chunk = vectors.of_chunk(of, records);
                    for (std::size_t i = 0; i < records.size(); ++i) {
                      seen.push_back({rules.alone(records[i], of.shard), records[i].picture.hash});
                      looks.add(seen.back().alone == Why::kKept ? of_chunk[i] : PictureVector{});
                    }
                  });
  counts = {vectors.encoded(), vectors.found(), vectors.unreadable()};
  looks.centre();
  std::vector<PictureFate> out;
  looks.each(threads, [&](std::uint32_t picture, std::uint32_t like) {
    out.push_back(rules.next(seen[picture].alone, seen[picture].hash, like));
    return out.back().reason == Why::kKept;
  });
  return out;
}

}  // namespace moonbeam::pipeline

#include "data/pipeline/reduce/decisions.h"

#include <array>

#include "base/error.h"
#include "base/file.h"
#include "data/formats/record_bytes.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<std::string_view, kWhys> kNames = {
    "kept",           "dropped by a stage", "S13/same-picture", "S13/evaluation-picture",
    "S13/benchmark",  "S13/exact",          "S13/near",         "S13/meaning",
    "S13/cluster",    "S14/weight",         "S14/template",     "S14/answer",
    "S14/yes-no",     "S15/licence",        "S15/no-picture",   "S13/twin",
    "S13/quarantine", "S14/refusal",        "S13/like-picture"};
constexpr std::string_view kMagic = "moonbeam decisions 1\n";

}  // namespace

std::string_view name(Why why) {
  return kNames[static_cast<std::size_t>(why)];
}

std::uint32_t Decisions::items_end(std::size_t picture) const {
  return picture + 1 < pictures.size() ? pictures[picture + 1].first_item
                                       : static_cast<std::uint32_t>(why.size());
}

void Decisions::drop(std::size_t item, Why reason, std::uint32_t like) {
  why[item] = reason;
  of[item] = like;
}

std::map<std::string, std::int64_t> Decisions::counts() const {
  std::array<std::int64_t, kWhys> counts{};
  for (const Why one : why) ++counts[static_cast<std::size_t>(one)];
  std::map<std::string, std::int64_t> out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) out[std::string(kNames[i])] = counts[i];
  }
  return out;
}

void Decisions::save(const std::string& path) const {
  data::RecordWriter writer;
  writer.text(pipeline);
  // Field by field: what stands between members of a struct is nobody's.
  writer.put(static_cast<std::uint64_t>(pictures.size()));
  for (const DecidedPicture& one : pictures) {
    writer.put(one.key);
    writer.put(one.place.chunk);
    writer.put(one.place.bytes);
    writer.put(one.place.offset);
    writer.put(one.first_item);
  }
  writer.list(why);
  writer.list(of);
  base::AtomicFile file(path);
  file.write(kMagic);
  file.write(writer.bytes());
  file.commit();
}

Decisions Decisions::load(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  const std::string shown = base::printable(path);
  if (!bytes.starts_with(kMagic)) base::fail(ErrorCode::kCorrupt, shown, ": no decisions of the pipeline");
  bytes.remove_prefix(kMagic.size());
  Decisions out;
  try {
    data::RecordReader reader(bytes);
    out.pipeline = reader.text();
    const auto pictures = reader.get<std::uint64_t>();
    for (std::uint64_t i = 0; i < pictures; ++i) {
      DecidedPicture one;
      one.key = reader.get<std::uint64_t>();
      one.place.chunk = reader.get<std::uint32_t>();
      one.place.bytes = reader.get<std::uint32_t>();
      one.place.offset = reader.get<std::uint64_t>();
      one.first_item = reader.get<std::uint32_t>();
      out.pictures.push_back(one);
    }
    out.why = reader.list<Why>();
    out.of = reader.list<std::uint32_t>();
  } catch (const Error&) {
    base::fail(ErrorCode::kCorrupt, shown, ": ends early");
  }
  std::uint32_t before = 0;
  bool sound = out.why.size() == out.of.size();
  for (const DecidedPicture& one : out.pictures) {
    sound = sound && one.first_item >= before && one.first_item <= out.why.size();
    before = one.first_item;
  }
  for (const Why one : out.why) sound = sound && static_cast<int>(one) < kWhys;
  if (!sound) base::fail(ErrorCode::kCorrupt, shown, ": numbers out of order");
  return out;
}

}  // namespace moonbeam::pipeline

#include "data/pipeline/reduce/s15_shards.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "data/formats/shard_writer.h"
#include "data/pipeline/reduce/text.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostPicture = std::size_t{256} << 20;
constexpr std::string_view kUnknown = "unknown";

std::string field_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "png";
  if (bytes.starts_with("RIFF")) return "webp";
  if (bytes.starts_with("GIF8")) return "gif";
  return "jpg";
}

/// A dot would end the key.
std::string shard_key(std::string key) {
  std::replace(key.begin(), key.end(), '.', '_');
  std::replace_if(
      key.begin(), key.end(), [](char c) { return c == '\t' || c == '\n' || c == '\0' || c == '/'; }, '-');
  return key;
}

class Shards {
 public:
  Shards(const WorkFolder& work, const ShardOptions& options, const ShardsPlace& place, Decisions& decisions)
      : work_(work), options_(options), place_(place), decisions_(decisions) {}

  ShardsResult run(const std::function<bool(std::uint64_t, std::uint64_t)>& progress) {
    std::error_code gone;
    fs::remove(place_.out + "/dataset.json", gone);  // the set is not whole from here on
    const std::vector<std::uint32_t> pictures = wanted();
    data::ShardWriter writer({.folder = place_.out,
                              .name = options_.name,
                              .most_samples = static_cast<std::uint64_t>(options_.samples),
                              .most_bytes = static_cast<std::uint64_t>(options_.bytes),
                              .pipeline = place_.run.pipeline,
                              .inputs = place_.inputs});
    std::uint64_t done = 0;
    for (const std::uint32_t at : drawn_order(static_cast<std::uint32_t>(pictures.size()), options_.seed)) {
      add(pictures[at], writer);
      if (progress && !progress(++done, pictures.size())) {
        base::fail(ErrorCode::kCancelled, "stopped after ", done, " of ", pictures.size(), " pictures");
      }
    }
    result_.shards = writer.finish();
    for (const data::ShardRow& row : result_.shards) result_.samples += row.samples;
    write_dataset();
    return std::move(result_);
  }

 private:
  std::vector<std::uint32_t> wanted() const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < decisions_.pictures.size(); ++i) {
      const std::uint32_t end = decisions_.items_end(i);
      for (std::uint32_t item = decisions_.pictures[i].first_item; item < end; ++item) {
        if (!decisions_.kept(item)) continue;
        out.push_back(i);
        break;
      }
    }
    return out;
  }

  void drop_all(std::uint32_t picture, Why why) {
    for (std::uint32_t item = decisions_.pictures[picture].first_item; item < decisions_.items_end(picture);
         ++item) {
      if (decisions_.kept(item)) decisions_.drop(item, why);
    }
  }

  bool passes(const Record& record) {
    const std::string licence =
        record.input.licence.empty() ? std::string(kUnknown) : squeezed(record.input.licence);
    ++result_.licences[licence];
    return options_.licences.empty() ||
           std::find(options_.licences.begin(), options_.licences.end(), licence) != options_.licences.end();
  }

  std::optional<std::string> bytes_of(const Record& record) const {
    try {
      return base::read_file((fs::path(place_.pictures) / record.input.file).string(), kMostPicture);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  void add(std::uint32_t picture, data::ShardWriter& writer) {
    const Record record = work_.read(decisions_.pictures[picture].place);
    if (!passes(record)) return drop_all(picture, Why::kLicence);
    const std::optional<std::string> bytes = bytes_of(record);
    if (!bytes) return drop_all(picture, Why::kNoPicture);
    std::map<std::string, std::uint64_t> tasks;
    nlohmann::ordered_json samples = nlohmann::ordered_json::array();
    std::uint32_t number = decisions_.pictures[picture].first_item;
    for (const Item& item : items_of(record)) {
      if (!decisions_.kept(number++)) continue;
      const data::CanonicalSample sample = sample_of(record, item, place_.run);
      ++tasks[sample.task];
      if (sample.provenance.contains("gen")) generators_.insert(sample.provenance["gen"].get<std::string>());
      samples.push_back(canonical_json(sample));
    }
    const std::string json = samples.dump() + "\n";
    writer.add(shard_key(record.input.key), {{field_of(*bytes), *bytes}, {"json", json}}, record.input.key,
               tasks);
    ++result_.pictures;
  }

  void write_dataset() const {
    std::map<std::string, std::uint64_t> by_task;
    std::uint64_t bytes = 0;
    for (const data::ShardRow& row : result_.shards) {
      bytes += row.bytes;
      for (const auto& [task, count] : row.by_task) by_task[task] += count;
    }
    nlohmann::ordered_json json = {{"pipeline", place_.run.pipeline},
                                   {"prompts", place_.run.prompts},
                                   {"seed", options_.seed},
                                   {"shards", result_.shards.size()},
                                   {"samples", result_.samples},
                                   {"pictures", result_.pictures},
                                   {"bytes", bytes},
                                   {"by_task", by_task},
                                   {"licences", result_.licences},
                                   {"generators", generators_},
                                   {"decisions", decisions_.counts()},
                                   {"inputs", place_.inputs}};
    if (!place_.notes.is_null()) json["report"] = nlohmann::ordered_json::parse(place_.notes.dump());
    base::AtomicFile file(place_.out + "/dataset.json");
    file.write(json.dump(1) + "\n");
    file.commit();
  }

  const WorkFolder& work_;
  const ShardOptions& options_;
  const ShardsPlace& place_;
  Decisions& decisions_;
  std::set<std::string> generators_;
  ShardsResult result_;
};

}  // namespace

void ShardOptions::read(base::KeySection& section) {
  section.read("name", name);
  section.read("seed", seed);
  section.read("samples", samples, 1, std::int64_t{1} << 40);
  section.read("bytes", bytes, 1, std::int64_t{1} << 50);
  section.read("licences", licences);
  for (std::string& one : licences) one = squeezed(one);
}

std::vector<std::uint32_t> drawn_order(std::uint32_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> out(count);
  std::iota(out.begin(), out.end(), 0u);
  data::Stream stream(seed, hash_of("S15"), 0, data::Part::kPipeline);
  for (std::uint32_t i = 0; i + 1 < count; ++i) std::swap(out[i], out[i + stream.below(count - i)]);
  return out;
}

ShardsResult write_shards(const WorkFolder& work, const ShardOptions& options, const ShardsPlace& place,
                          Decisions& decisions,
                          const std::function<bool(std::uint64_t, std::uint64_t)>& progress) {
  return Shards(work, options, place, decisions).run(progress);
}

}  // namespace moonbeam::pipeline

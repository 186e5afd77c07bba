#include "data/pipeline/reduce/reduce.h"

#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::pipeline {

void ReduceOptions::read(std::span<base::KeySection> sections, const std::string& folder) {
  for (base::KeySection& section : sections) {
    if (section.name() == "S13") {
      dedupe.read(section);
    } else if (section.name() == "S14") {
      balance.read(section);
    } else if (section.name() == "S15") {
      shards.read(section);
    } else {
      continue;
    }
    section.refuse_unread();
  }
  const auto seen_from = [&](std::string& path) {
    if (!path.empty() && !folder.empty()) path = (std::filesystem::path(folder) / path).string();
  };
  for (std::string& file : dedupe.evaluation) seen_from(file);
  for (std::string& file : dedupe.benchmarks) seen_from(file);
  seen_from(dedupe.drop_list);
  std::string model = dedupe.picture_model;
  seen_from(model);
  std::error_code ignored;
  if (std::filesystem::exists(model, ignored)) dedupe.picture_model = model;
}

std::string decisions_path(const std::string& work) {
  return work + "/reduce/decisions";
}

ReduceResult reduce(const WorkFolder& work, const ReduceOptions& options, const ShardsPlace& place,
                    const Embedder& embed, const std::function<void(std::string_view stage)>& say) {
  const auto begin = [&](std::string_view stage) {
    if (say) say(stage);
  };
  std::error_code error;
  std::filesystem::create_directories(work.path() + "/reduce", error);
  if (error) base::fail_system(work.path() + "/reduce", "cannot make the folder", error.value());
  begin("S13");
  ReduceResult out;
  DedupeOptions dedupe_options = options.dedupe;
  dedupe_options.pictures = place.pictures;
  Decisions decisions = dedupe(work, dedupe_options, embed, options.threads, &out.encoded);
  begin("S14");
  balance(work, options.balance, options.threads, decisions);
  begin("S15");
  out.shards = write_shards(work, options.shards, place, decisions);
  decisions.save(decisions_path(work.path()));
  out.decisions = decisions.counts();
  return out;
}

}  // namespace moonbeam::pipeline

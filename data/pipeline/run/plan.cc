#include "data/pipeline/run/plan.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/formats/byte_source.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/run/join.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kFrom = "# from ";
constexpr std::size_t kLongestLine = std::size_t{256} << 20;

std::string number(int value) {
  char text[16];
  std::snprintf(text, sizeof text, "%05d", value);
  return text;
}

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string sha256_of_file(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  base::Sha256 hash;
  hash.update(file->bytes());
  return hash.hex();
}

Json json_of(const Plan& plan) {
  return {{"form", Plan::kForm},
          {"pipeline", plan.pipeline},
          {"pictures", plan.pictures},
          {"shards", plan.shards},
          {"shard_pictures", plan.shard_pictures},
          {"chunk_pictures", plan.chunk_pictures},
          {"input_sha256", plan.input_sha256},
          {"files", plan.files},
          {"tiers", plan.tiers},
          {"refused", plan.refused}};
}

std::map<std::string, std::string> hash_files(const RunRecipe& recipe) {
  std::map<std::string, std::string> out;
  for (const std::string& path : recipe.inputs.files()) out[path] = sha256_of_file(path);
  return out;
}

[[noreturn]] void fail_other(const RunFolder& work, std::string_view what, std::string_view help) {
  base::fail(ErrorCode::kInvalidArgument, work.root.string(), ": was planned ", what, "; ", help);
}

void check_same(const RunFolder& work, const Plan& plan, const RunRecipe& recipe,
                const std::string& identity) {
  if (plan.shard_pictures != recipe.shard_pictures || plan.chunk_pictures != recipe.chunk_pictures) {
    fail_other(work,
               base::cat("in shards of ", plan.shard_pictures, " and chunks of ", plan.chunk_pictures,
                         ", the recipe says ", recipe.shard_pictures, " and ", recipe.chunk_pictures),
               "a plan is not cut anew: take another folder");
  }
  if (plan.pipeline != identity) {
    fail_other(work, "by another pipeline: prompts, words, models or thresholds have changed",
               "take another folder, and [client] cache = FOLDER keeps the answers of this one");
  }
  if (plan.files != hash_files(recipe)) {
    fail_other(work, "of other annotation files", "take another folder");
  }
}

/// Writes input files one after the other as pictures come.
class InputWriter {
 public:
  InputWriter(const RunFolder& work, Plan& plan) : work_(work), plan_(plan) {
    fs::create_directories(work.input(0).parent_path());
  }
  void add(Input& input) {
    input.ordinal = plan_.pictures++;
    ++plan_.tiers[tier_of(input)];
    corpus_.add(classes_of(input));
    if (input.ordinal % plan_.shard_pictures == 0) {
      end();
      file_ = std::make_unique<base::AtomicFile>(work_.input(plan_.shards++).string());
    }
    const std::string line = input_line(input);
    hash_.update(bytes(line));
    file_->write(line);
  }
  void end() {
    if (file_) file_->commit();
    file_.reset();
  }
  std::string sha256() { return hash_.hex(); }
  const CorpusStats& corpus() const { return corpus_; }

 private:
  CorpusStats corpus_;
  const RunFolder& work_;
  Plan& plan_;
  std::unique_ptr<base::AtomicFile> file_;
  base::Sha256 hash_;
};

}  // namespace

fs::path RunFolder::input(int shard) const {
  return root / "input" / (number(shard) + ".jsonl");
}
fs::path RunFolder::shard(int shard) const {
  return root / "shards" / number(shard);
}
fs::path RunFolder::chunk(int shard, int chunk) const {
  return this->shard(shard) / ("chunk-" + number(chunk) + ".jsonl");
}
fs::path RunFolder::marker(int shard, int chunk) const {
  return this->shard(shard) / ("chunk-" + number(chunk) + ".done");
}
fs::path RunFolder::lease(int shard) const {
  return root / "leases" / number(shard);
}

std::string tier_of(const Input& input) {
  if (!input.narratives.empty() && !input.instances.empty()) return "A";
  const bool human = std::any_of(input.texts.begin(), input.texts.end(),
                                 [](const InputText& one) { return one.kind != "alt"; });
  return human || !input.narratives.empty() || !input.instances.empty() ? "B" : "C";
}

std::int64_t Plan::pictures_of(int shard) const {
  return std::min<std::int64_t>(shard_pictures, pictures - std::int64_t{shard} * shard_pictures);
}

int Plan::chunks_of(int shard) const {
  return static_cast<int>((pictures_of(shard) + chunk_pictures - 1) / chunk_pictures);
}

Plan make_plan(const RunFolder& work, const RunRecipe& recipe, const std::string& identity,
               const std::function<void(std::int64_t pictures)>& progress) {
  if (fs::exists(work.plan())) {
    const Plan plan = read_plan(work);
    check_same(work, plan, recipe, identity);
    return plan;
  }
  Plan plan;
  plan.pipeline = identity;
  plan.shard_pictures = recipe.shard_pictures;
  plan.chunk_pictures = recipe.chunk_pictures;
  std::error_code error;
  fs::create_directories(work.root, error);
  if (error) base::fail(ErrorCode::kNotFound, work.root.string(), ": cannot make: ", error.message());
  InputWriter writer(work, plan);
  plan.refused = join_inputs(recipe.inputs, [&](Input& input) {
    writer.add(input);
    if (progress) progress(plan.pictures);
  });
  writer.end();
  if (plan.pictures == 0) {
    base::fail(ErrorCode::kInvalidArgument, recipe.path, ": no picture in the annotations");
  }
  plan.input_sha256 = writer.sha256();
  plan.files = hash_files(recipe);
  for (const auto& [path, text] : {std::pair{work.recipe(), base::cat(kFrom, recipe.path, '\n', recipe.text)},
                                   std::pair{work.corpus(), writer.corpus().json().dump() + "\n"},
                                   std::pair{work.plan(), json_of(plan).dump(1) + "\n"}}) {
    base::AtomicFile file(path.string());
    file.write(text);
    file.commit();
  }
  return plan;
}

Plan read_plan(const RunFolder& work) {
  const std::string path = work.plan().string();
  const Json value = Json::parse(base::read_file(path, std::size_t{16} << 20), nullptr, false);
  Plan plan;
  try {
    if (const int form = value.at("form"); form > Plan::kForm) {
      base::fail(ErrorCode::kUnsupported, path, ": form ", form, ", this program knows ", Plan::kForm);
    }
    value.at("pipeline").get_to(plan.pipeline);
    value.at("pictures").get_to(plan.pictures);
    value.at("shards").get_to(plan.shards);
    value.at("shard_pictures").get_to(plan.shard_pictures);
    value.at("chunk_pictures").get_to(plan.chunk_pictures);
    value.at("input_sha256").get_to(plan.input_sha256);
    value.at("files").get_to(plan.files);
    value.at("tiers").get_to(plan.tiers);
    value.at("refused").get_to(plan.refused);
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, path, ": expected a plan, got ", error.what());
  }
  if (plan.shard_pictures < 1 || plan.chunk_pictures < 1 || plan.pictures < 1 ||
      plan.shards != (plan.pictures + plan.shard_pictures - 1) / plan.shard_pictures) {
    base::fail(ErrorCode::kCorrupt, path, ": numbers that do not agree");
  }
  return plan;
}

RunRecipe planned_recipe(const RunFolder& work) {
  const std::string path = work.recipe().string(), text = base::read_file(path, std::size_t{1} << 20);
  const std::size_t end = text.find('\n');
  if (!text.starts_with(kFrom) || end == std::string::npos) {
    base::fail(ErrorCode::kCorrupt, path, ": expected '", kFrom, "' and a path in its first line");
  }
  return parse_run_recipe(text.substr(end + 1), text.substr(kFrom.size(), end - kFrom.size()));
}

CorpusStats read_corpus(const RunFolder& work) {
  const std::string path = work.corpus().string();
  const Json value = Json::parse(base::read_file(path, std::size_t{1} << 30), nullptr, false);
  if (value.is_discarded()) base::fail(ErrorCode::kCorrupt, path, ": not JSON");
  return CorpusStats::of(value, path);
}

std::vector<Record> read_input(const RunFolder& work, const Plan& plan, int shard, int chunk) {
  const std::string path = work.input(shard).string();
  data::ByteSource source(path);
  std::vector<Record> out;
  const std::int64_t first = std::int64_t{chunk} * plan.chunk_pictures;
  const std::int64_t end = std::min(first + plan.chunk_pictures, plan.pictures_of(shard));
  std::string line;
  bool whole = true;
  for (std::int64_t at = 0; at < end; ++at) {
    if (!source.read_line(line, kLongestLine, whole) || !whole) {
      base::fail(ErrorCode::kCorrupt, path, ": ends at line ", at + 1, ", the plan has ",
                 plan.pictures_of(shard));
    }
    if (at >= first) out.emplace_back().input = input_of(line, base::cat(path, ": line ", at + 1));
  }
  return out;
}

}  // namespace moonbeam::pipeline

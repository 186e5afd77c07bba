#include "train/loop/start.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "formats/tokenizer_data.h"
#include "model/variants.h"

namespace moonbeam::train {

namespace fs = std::filesystem;
using base::fail;
using nlohmann::json;

namespace {

constexpr std::size_t kLargestTokenizer = std::size_t{1} << 26;

std::string hash_of(const std::string& path) {
  return base::sha256_hex(base::MappedFile::open(path)->bytes());
}

std::string plain_tokenizer(const std::string& text, const std::string& name) {
  return formats::write_tokenizer_json(formats::parse_tokenizer_json(text, name));
}

}  // namespace

std::string name_of_model(const std::string& model) {
  fs::path path = fs::path(model).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().string();
}

std::string RunStart::json() const {
  if (!config && data.empty()) return {};
  nlohmann::json out = {{"base", base}, {"licence", licence}, {"data", nlohmann::json::array()}};
  for (const Data& one : data) {
    out["data"].push_back({{"file", one.file.path}, {"images", one.file.images}, {"sha256", one.sha256}});
  }
  if (config) {
    out["variant"] = config->variant;
    out["config"] = model::write_config_json(*config);
    out["projector_in"] = config->vision.proj_in_dim;  // a file's shapes say it, config.json does not
  }
  return out.dump();
}

RunStart parse_run_start(const std::string& text, const std::string& where) {
  RunStart out;
  if (text.empty()) return out;
  try {
    const json value = json::parse(text);
    value.at("base").get_to(out.base);
    value.at("licence").get_to(out.licence);
    for (const json& one : value.at("data")) {
      out.data.push_back({{one.at("file"), one.at("images")}, one.at("sha256")});
    }
    if (value.contains("config")) {
      const model::Variant& row = model::variant(value.at("variant").get<std::string>());
      out.config = model::parse_config_json(value.at("config").get<std::string>(), row.config, where);
      out.config->variant = row.name;
      value.at("projector_in").get_to(out.config->vision.proj_in_dim);
      out.config->validate();
    }
  } catch (const json::exception& error) {
    fail(ErrorCode::kCorrupt, where, ": start: ", error.what());
  }
  return out;
}

LoadedModel load_start(const Recipe& recipe, const std::string& init) {
  LoadedModel out = load_twin(init);
  if (!out.packed.empty()) {
    fail(ErrorCode::kUnsupported, base::printable(init), ": ", out.packed,
         ": training starts from weights in f32, f16 or bf16");
  }
  check_sizes(recipe, out.twin->config(), init);
  if (!recipe.tokenizer.empty()) {
    const std::string theirs = plain_tokenizer(out.tokenizer_json, init);
    if (plain_tokenizer(base::read_file(recipe.tokenizer, kLargestTokenizer), recipe.tokenizer) != theirs) {
      fail(ErrorCode::kInvalidArgument, base::printable(recipe.name),
           ": [run]: tokenizer: ", base::printable(recipe.tokenizer), " is not that of ",
           base::printable(init), "; it may be left out with --init");
    }
  }
  return out;
}

std::vector<RunStart::Data> data_of(const StartOptions& options) {
  const std::size_t files = options.data.size(), folders = options.images.size();
  if (folders > 1 && folders != files) {
    fail(ErrorCode::kInvalidArgument, "--images: expected one folder, or one for each of ", files,
         " files of --data, got ", folders);
  }
  if (folders > 0 && files == 0) fail(ErrorCode::kInvalidArgument, "--images: expected --data FILE with it");
  std::vector<RunStart::Data> out;
  for (std::size_t i = 0; i < files; ++i) {
    RunStart::Data one;
    one.file.path = fs::absolute(options.data[i]).lexically_normal().string();
    if (folders > 0) {
      const std::string& folder = options.images[folders == 1 ? 0 : i];
      if (!fs::is_directory(folder)) {
        fail(ErrorCode::kNotFound, "--images ", base::printable(folder), ": no such folder");
      }
      one.file.images = fs::absolute(folder).lexically_normal().string();
    }
    one.sha256 = hash_of(one.file.path);
    out.push_back(std::move(one));
  }
  return out;
}

OwnSet read_start_data(const RunStart& start, const Recipe& recipe) {
  const bool wanted = std::any_of(recipe.stages.begin(), recipe.stages.end(),
                                  [](const Stage& stage) { return stage.pictures == Stage::Pictures::kOwn; });
  if (wanted && start.data.empty()) {
    fail(ErrorCode::kInvalidArgument, base::printable(recipe.name),
         ": a stage has pictures = own: expected --data FILE");
  }
  if (!wanted && !start.data.empty()) {
    fail(ErrorCode::kInvalidArgument, base::printable(recipe.name),
         ": --data: no stage has pictures = own; train/recipes/finetune.toml has one");
  }
  if (start.data.empty()) return {};
  std::vector<OwnFile> files;
  for (const RunStart::Data& one : start.data) {
    if (hash_of(one.file.path) != one.sha256) {
      fail(ErrorCode::kInvalidArgument, base::printable(one.file.path),
           ": changed since the run began; --init with the run's model begins a new one");
    }
    files.push_back(one.file);
  }
  return read_own_set(files, {.seed = recipe.seed, .absent = recipe.own.absent});
}

}  // namespace moonbeam::train

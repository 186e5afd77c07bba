#include "data/pipeline/run/recipe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

/// Changes when the code of a stage decides differently: answers stay, what is made of them does not.
constexpr std::string_view kForm = "moonbeam pipeline 1";

constexpr std::int64_t kMost = std::int64_t{1} << 40;

/// "mixtral@v0.1:0.6"; revision and share may be left out.
Generator generator_of(base::KeySection& keys, const char* key, const std::string& text) {
  Generator out;
  std::string name = text;
  if (const std::size_t colon = name.rfind(':'); colon != std::string::npos) {
    const char* begin = name.data() + colon + 1;
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), out.share);
    if (error != std::errc() || end != name.data() + name.size() || !(out.share > 0)) {
      keys.fail(key, "a model with its share, as \"mixtral:0.6\"");
    }
    name.resize(colon);
  }
  if (const std::size_t at = name.rfind('@'); at != std::string::npos) {
    out.revision = name.substr(at + 1);
    name.resize(at);
  }
  if (name.empty()) keys.fail(key, "a model's name");
  out.model = name;
  return out;
}

void read_inputs(base::KeySection& keys, const fs::path& folder, RunInputs& out) {
  const auto absolute = [&](const std::string& path) {
    return path.empty() ? path : fs::absolute(folder / path).lexically_normal().string();
  };
  const auto list = [&](const char* key, std::vector<std::string>& into) {
    keys.read(key, into);
    for (std::string& one : into) one = absolute(one);
  };
  const auto file = [&](const char* key, std::string& into) {
    keys.read(key, into);
    into = absolute(into);
  };
  keys.read("name", out.name);
  file("images", out.images);
  list("instances", out.instances);
  list("captions", out.captions);
  list("panoptic", out.panoptic);
  list("narratives", out.narratives);
  list("alt", out.alt);
  file("vg_pictures", out.vg_pictures);
  file("vg_regions", out.vg_regions);
  keys.read("file", out.file);
  if (const std::size_t begin = out.file.find('{'); !out.file.empty()) {
    const std::size_t end = out.file.find('}', begin);
    const std::string field = end == std::string::npos ? "" : out.file.substr(begin, end - begin + 1);
    const bool digits = field.size() <= 7 && field.starts_with("{id:") &&
                        field.find_first_not_of("0123456789", 4) == field.size() - 1;
    if (field != "{id}" && !digits) keys.fail("file", "a name with {id} in it, or {id:12} for twelve digits");
  }
  keys.read("licence", out.licence);
  keys.read("exhaustive", out.exhaustive);
  if (out.images.empty()) keys.fail("images", "images = FOLDER");
  if (out.files().empty()) keys.fail("instances", "one of instances, captions, narratives at least");
  if (out.vg_regions.empty() != out.vg_pictures.empty()) {
    keys.fail("vg_regions", "vg_regions and vg_pictures together: only the latter knows COCO's ids");
  }
  if (out.name.empty() || out.name.find_first_of("/#. ") != std::string::npos) {
    keys.fail("name", "a name without /, #, points and spaces");
  }
}

void read_models(base::KeySection& keys, RunRecipe& recipe) {
  std::vector<std::string> writers;
  keys.read("writers", writers);
  for (const std::string& one : writers) recipe.roles.writers.push_back(generator_of(keys, "writers", one));
  if (recipe.roles.writers.empty()) keys.fail("writers", "writers = MODEL, ...");
  const auto one = [&](const char* key, Generator& into) {
    std::string text;
    keys.read(key, text);
    if (!text.empty()) into = generator_of(keys, key, text);
  };
  recipe.roles.verifier = recipe.roles.writers.front();
  one("verifier", recipe.roles.verifier);
  recipe.roles.judge = recipe.roles.verifier;
  one("judge", recipe.roles.judge);
  one("vision", recipe.roles.vision);
  one("embedder", recipe.roles.embedder);
}

void read_client(base::KeySection& keys, const fs::path& folder, RunRecipe& recipe) {
  llm::ClientOptions& to = recipe.client;
  const auto path = [&](const char* key, std::string& into) {
    keys.read(key, into);
    if (!into.empty()) into = fs::absolute(folder / into).lexically_normal().string();
  };
  path("servers", recipe.servers);
  path("cache", recipe.cache);
  const auto ms = [&](const char* key, double& into) {
    double seconds = into / 1000;
    keys.read(key, seconds, 0, 1e7);
    into = seconds * 1000;
  };
  ms("try_timeout_s", to.try_timeout_ms);
  ms("deadline_s", to.deadline_ms);
  ms("give_up_s", to.give_up_ms);
  ms("backoff_s", to.backoff_ms);
  keys.read("tries", to.max_tries, 1, 100);
  keys.read("money", to.budget.money, 0, 1e12);
  keys.read("gpu_hours", to.budget.gpu_hours, 0, 1e9);
  keys.read("calls", to.budget.calls, 0, kMost);
  keys.read("tokens", to.budget.tokens, 0, kMost);
  keys.read("picture_calls", to.budget.image_calls, 0, kMost);
  keys.read("picture_tokens", to.budget.image_tokens, 0, kMost);
  if (recipe.servers.empty()) keys.fail("servers", "servers = FILE, a list of servers");
}

bool is_stage(const std::string& name) {
  if (name == "report" || name == "judge") return true;
  int number = -1;
  const char* end = name.data() + name.size();
  return name.size() > 1 && name[0] == 'S' && std::from_chars(name.data() + 1, end, number).ptr == end &&
         number >= 0 && number <= 15;
}

}  // namespace

std::vector<std::string> RunInputs::files() const {
  std::vector<std::string> out;
  for (const auto* list : {&instances, &captions, &panoptic, &narratives, &alt}) {
    out.insert(out.end(), list->begin(), list->end());
  }
  for (const std::string& one : {vg_pictures, vg_regions}) {
    if (!one.empty()) out.push_back(one);
  }
  return out;
}

base::KeySection& RunRecipe::stage(const std::string& name) {
  for (base::KeySection& one : stages) {
    if (one.name() == name) return one;
  }
  return stages.emplace_back(path, name, 0);
}

std::string RunRecipe::identity(const std::string& prompts_sha256, const std::string& words_sha256) const {
  std::string all = base::cat(kForm, '\n', prompts_sha256, '\n', words_sha256, '\n');
  bool counts = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, std::min(text.find('#', at), end) - at);
    at = end + 1;
    line.erase(
        std::remove_if(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t' || c == '\r'; }),
        line.end());
    if (line.empty()) continue;
    if (line[0] == '[') counts = line != "[inputs]" && line != "[client]";
    if (counts) all += line + "\n";
  }
  base::Sha256 hash;
  hash.update(std::as_bytes(std::span(all)));
  return hash.hex();
}

RunRecipe parse_run_recipe(std::string_view text, const fs::path& path) {
  RunRecipe recipe;
  recipe.path = path.string();
  recipe.text = text;
  const fs::path folder = path.parent_path();
  std::array<bool, 4> seen{};
  for (base::KeySection& keys : base::parse_key_file(text, recipe.path)) {
    if (keys.name() == "inputs") {
      read_inputs(keys, folder, recipe.inputs);
      seen[0] = true;
    } else if (keys.name() == "models") {
      read_models(keys, recipe);
      seen[1] = true;
    } else if (keys.name() == "client") {
      read_client(keys, folder, recipe);
      seen[2] = true;
    } else if (keys.name() == "plan") {
      keys.read("shard", recipe.shard_pictures, 1, 1'000'000);
      keys.read("chunk", recipe.chunk_pictures, 1, 100'000);
      keys.read("attempts", recipe.attempts, 1, 100);
    } else if (keys.name() == "run") {
      keys.read("chunks_at_once", recipe.chunks_at_once, 1, 64);
      keys.read("lease_s", recipe.lease_seconds, 1, 86'400);
      for (auto [key, into] : {std::pair{"prompts", &recipe.prompts}, std::pair{"words", &recipe.words},
                               std::pair{"openings", &recipe.openings}}) {
        keys.read(key, *into);
        if (!into->empty()) *into = fs::absolute(folder / *into).lexically_normal().string();
      }
    } else if (is_stage(keys.name())) {
      recipe.stages.push_back(std::move(keys));
      continue;
    } else if (!keys.name().empty()) {
      keys.fail("", "one of [inputs], [models], [client], [plan], [run], [S0] to [S15], [judge], [report]");
    }
    keys.refuse_unread();
  }
  for (const auto& [there, name] :
       {std::pair{seen[0], "inputs"}, std::pair{seen[1], "models"}, std::pair{seen[2], "client"}}) {
    if (!there) base::fail(ErrorCode::kInvalidArgument, recipe.path, ": no section [", name, "]");
  }
  return recipe;
}

RunRecipe read_run_recipe(const std::string& path) {
  return parse_run_recipe(base::read_file(path, std::size_t{1} << 20), fs::absolute(path));
}

}  // namespace moonbeam::pipeline

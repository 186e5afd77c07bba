#include "cli/pull/hub.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "net/json.h"
#include "net/url.h"

namespace moonbeam::pull {

using nlohmann::json;

namespace {

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

/// One of the answer's siblings; without a path where it cannot be a file of a model.
FileEntry parse_sibling(const json& sibling, const std::string& base) {
  FileEntry file;
  if (!sibling.is_object()) return file;
  const std::string name = text_of(sibling, "rfilename");
  if (!is_file_name(name)) return file;
  if (const auto size = sibling.find("size"); size != sibling.end() && size->is_number_unsigned()) {
    file.size = static_cast<std::int64_t>(std::min(size->get<std::uint64_t>(), std::uint64_t{1} << 50));
  }
  if (const auto lfs = sibling.find("lfs"); lfs != sibling.end() && lfs->is_object()) {
    const std::string sha256 = text_of(*lfs, "sha256");
    if (is_digest(sha256, 64)) file.sha256 = sha256;
  }
  const std::string blob = text_of(sibling, "blobId");
  if (file.sha256.empty() && file.size >= 0 && is_digest(blob, 40)) file.git = blob;
  file.path = name;
  file.url = base + net::escape(name);
  return file;
}

std::string licence_of(const json& answer) {
  if (const auto card = answer.find("cardData"); card != answer.end() && card->is_object()) {
    const std::string licence = text_of(*card, "license");
    if (!licence.empty()) return licence;
  }
  const auto tags = answer.find("tags");
  constexpr std::string_view kTag = "license:";
  for (const json& tag : tags != answer.end() && tags->is_array() ? *tags : json::array()) {
    const std::string text = tag.is_string() ? tag.get<std::string>() : "";
    if (text.starts_with(kTag)) return text.substr(kTag.size());
  }
  return {};
}

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

Manifest ask_hub(Fetcher& fetcher, const std::string& endpoint, const std::string& repository,
                 const std::string& revision) {
  const std::string path = net::escape(repository, "/");
  const std::string url =
      endpoint + "/api/models/" + path + "/revision/" + net::escape(revision) + "?blobs=true";
  const json answer = net::parse_json<json>(fetcher.text(url));
  const std::string where = net::printable_url(url);
  const auto siblings = answer.is_object() ? answer.find("siblings") : answer.end();
  if (!answer.is_object() || siblings == answer.end() || !siblings->is_array()) {
    base::fail(ErrorCode::kCorrupt, where, ": expected a listing with 'siblings', got something else");
  }
  Manifest listing;
  listing.repository = repository;
  listing.commit = text_of(answer, "sha");
  if (!is_digest(listing.commit, 40)) listing.commit.clear();
  listing.licence = licence_of(answer);
  // By the commit: what is fetched fits together even if the branch moves meanwhile.
  const std::string at = listing.commit.empty() ? net::escape(revision) : listing.commit;
  for (const json& sibling : *siblings) {
    FileEntry file = parse_sibling(sibling, endpoint + "/" + path + "/resolve/" + at + "/");
    if (!file.path.empty() && listing.find(file.path) == nullptr) listing.files.push_back(std::move(file));
  }
  return listing;
}

Manifest choose_files(const Manifest& listing, const std::string& dtype) {
  Manifest chosen = listing;
  chosen.files.clear();
  const auto has = [&](std::string_view ending) {
    return std::any_of(listing.files.begin(), listing.files.end(),
                       [&](const FileEntry& file) { return file.path.ends_with(ending); });
  };
  const bool safetensors = has(".safetensors");
  std::size_t models = 0;
  std::string names;
  for (const FileEntry& file : listing.files) {
    const std::string name = lower(file.path);
    if (name.ends_with(".gguf")) {
      if (safetensors || name.find(dtype) == std::string::npos) continue;
      models += name.find("mmproj") == std::string::npos ? 1 : 0;
      names += (names.empty() ? "" : ", ") + file.path;
    } else if (!ends_with_any(name, {".safetensors", ".safetensors.index.json"}) && name != "config.json" &&
               name != "tokenizer.json" && !name.starts_with("license") && !name.starts_with("licence")) {
      continue;
    }
    chosen.files.push_back(file);
  }
  if (!safetensors && models == 0) {
    base::fail(ErrorCode::kNotFound, listing.repository.empty() ? "this place" : listing.repository,
               ": no weights in it: expected .safetensors or .gguf",
               dtype.empty() ? "" : " with '" + dtype + "' in its name");
  }
  if (models > 1) {
    base::fail(ErrorCode::kInvalidArgument, listing.repository, ": expected one model, got ", names,
               "; NAME:DTYPE takes the one with DTYPE in its name");
  }
  // Weights last: everything small is there when the long part begins.
  std::stable_sort(chosen.files.begin(), chosen.files.end(), [](const FileEntry& a, const FileEntry& b) {
    const auto heavy = [](const FileEntry& file) {
      return ends_with_any(file.path, {".safetensors", ".gguf"});
    };
    return !heavy(a) && heavy(b);
  });
  return chosen;
}

}  // namespace moonbeam::pull

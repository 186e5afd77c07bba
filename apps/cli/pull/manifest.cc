// manifest.json may come from a mirror that nobody trusts: every name in it is checked.
#include "cli/pull/manifest.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/json.h"

namespace moonbeam::pull {

using Json = nlohmann::ordered_json;

namespace {

[[noreturn]] void fail(const std::string& where, const std::string& problem) {
  throw Error(ErrorCode::kCorrupt, where + ": " + problem);
}

/// A string, or nothing where the key is missing.
std::string text_of(const Json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) fail(where, std::string("'") + key + "': expected a text");
  return found->get<std::string>();
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

FileEntry parse_file(const Json& json, const std::string& where) {
  if (!json.is_object()) fail(where, "'files': expected objects");
  FileEntry file;
  file.path = text_of(json, "path", where);
  if (!is_file_name(file.path)) fail(where, "'path': expected a plain file name, got another");
  file.url = text_of(json, "url", where);
  if (const auto size = json.find("size"); size != json.end() && !size->is_null()) {
    const bool good = size->is_number_unsigned() && size->get<std::uint64_t>() <= std::uint64_t{1} << 50;
    if (!good) fail(where, file.path + ": 'size': expected a number of bytes");
    file.size = size->get<std::int64_t>();
  }
  file.sha256 = text_of(json, "sha256", where);
  if (!file.sha256.empty() && !is_digest(file.sha256, 64)) {
    fail(where, file.path + ": 'sha256': expected 64 hexadecimal digits");
  }
  file.git = text_of(json, "git", where);
  if (!file.git.empty() && !is_digest(file.git, 40)) {
    fail(where, file.path + ": 'git': expected 40 hexadecimal digits");
  }
  return file;
}

}  // namespace

const FileEntry* Manifest::find(std::string_view path) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const FileEntry& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::int64_t Manifest::bytes() const {
  std::int64_t sum = 0;
  for (const FileEntry& file : files) sum += std::max<std::int64_t>(file.size, 0);
  return sum;
}

Manifest parse_manifest(const std::string& text, const std::string& where) {
  const Json json = net::parse_json<Json>(text);
  if (!json.is_object()) fail(where, "expected a JSON object");
  Manifest manifest;
  manifest.name = text_of(json, "name", where);
  manifest.revision = text_of(json, "revision", where);
  manifest.repository = text_of(json, "repository", where);
  manifest.commit = text_of(json, "commit", where);
  manifest.licence = text_of(json, "licence", where);
  const auto files = json.find("files");
  if (files == json.end() || !files->is_array() || files->empty() || files->size() > 10'000) {
    fail(where, "'files': expected a list of files");
  }
  for (const Json& one : *files) {
    FileEntry file = parse_file(one, where);
    if (manifest.find(file.path) != nullptr) fail(where, file.path + ": named twice");
    manifest.files.push_back(std::move(file));
  }
  return manifest;
}

std::string manifest_text(const Manifest& manifest) {
  Json json;
  const auto put = [](Json& to, const char* key, const std::string& value) {
    if (!value.empty()) to[key] = value;
  };
  put(json, "name", manifest.name);
  put(json, "revision", manifest.revision);
  put(json, "repository", manifest.repository);
  put(json, "commit", manifest.commit);
  put(json, "licence", manifest.licence);
  json["files"] = Json::array();
  for (const FileEntry& file : manifest.files) {
    Json one = {{"path", file.path}};
    put(one, "url", file.url);
    if (file.size >= 0) one["size"] = file.size;
    put(one, "sha256", file.sha256);
    put(one, "git", file.git);
    json["files"].push_back(std::move(one));
  }
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), is_plain) && name != kManifestName &&
         !name.ends_with(".part") && !name.ends_with(".part.state");
}

bool is_store_name(std::string_view name) {
  const auto lower = [](char c) { return is_plain(c) && !(c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && name[0] != '.' && name[0] != '-' && name[0] != '_' &&
         std::all_of(name.begin(), name.end(), lower);
}

bool is_digest(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace moonbeam::pull

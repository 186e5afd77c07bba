#include "cli/pull/source.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "cli/pull/hub.h"
#include "net/url.h"

namespace moonbeam::pull {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxManifest = std::size_t{16} << 20;
constexpr const char* kTokenizer = "tokenizer.json";

std::string without_slashes(std::string text) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// Places of a manifest.json below a mirror, the likelier one first.
std::vector<std::string> manifest_places(const Target& target) {
  std::vector<std::string> places = {""};
  if (!target.revision.empty()) places.push_back("/" + target.folder + "/" + target.revision);
  return places;
}

void use_tokenizer(Manifest& manifest, FileEntry tokenizer) {
  std::erase_if(manifest.files, [](const FileEntry& file) { return file.path == kTokenizer; });
  tokenizer.path = kTokenizer;
  manifest.files.insert(manifest.files.begin(), std::move(tokenizer));
}

Manifest of_hub(Fetcher& fetcher, const std::string& endpoint, const Target& target) {
  if (target.repository.empty()) {
    base::fail(ErrorCode::kNotFound, base::printable(endpoint), ": no ", kManifestName,
               " there; for a server with the hub's API name the model hf:OWNER/NAME");
  }
  Manifest manifest =
      choose_files(ask_hub(fetcher, endpoint, target.repository, target.hub_revision), target.dtype);
  if (!target.tokenizer.empty()) {
    const Manifest other = ask_hub(fetcher, endpoint, target.tokenizer, "main");
    const FileEntry* tokenizer = other.find(kTokenizer);
    if (tokenizer == nullptr) {
      base::fail(ErrorCode::kNotFound, target.tokenizer, ": expected ", kTokenizer, " in it, got none");
    }
    use_tokenizer(manifest, *tokenizer);
  }
  return manifest;
}

Manifest of_url(Fetcher& fetcher, const std::string& mirror, const Target& target) {
  for (const std::string& place : manifest_places(target)) {
    const std::string base = mirror + place + "/";
    std::string text;
    try {
      text = fetcher.text(base + kManifestName);
    } catch (const net::NetworkError&) {
      throw;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
      continue;
    }
    Manifest manifest = parse_manifest(text, net::printable_url(base + kManifestName));
    for (FileEntry& file : manifest.files) file.url = base + net::escape(file.path);
    return manifest;
  }
  return of_hub(fetcher, mirror, target);
}

Manifest of_folder(const std::string& mirror, const Target& target) {
  std::error_code error;
  for (const std::string& place : manifest_places(target)) {
    const std::string folder = mirror + place, path = folder + "/" + kManifestName;
    if (!fs::is_regular_file(path, error)) continue;
    Manifest manifest = parse_manifest(base::read_file(path, kMaxManifest), base::printable(path));
    for (FileEntry& file : manifest.files) file.url = folder + "/" + file.path;
    return manifest;
  }
  Manifest listing;
  for (fs::directory_iterator it(mirror, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code unreadable;
    if (!is_file_name(name) || !it->is_regular_file(unreadable)) continue;
    listing.files.push_back({.path = name, .url = it->path().string()});
  }
  std::sort(listing.files.begin(), listing.files.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  listing.repository = base::printable(mirror);
  Manifest manifest = choose_files(listing, target.dtype);
  manifest.repository = target.repository;
  const std::string spare = mirror + "/starmie-v1/" + kTokenizer;
  if (!target.tokenizer.empty() && fs::is_regular_file(spare, error)) {
    use_tokenizer(manifest, {.path = kTokenizer, .url = spare});
  }
  return manifest;
}

}  // namespace

Source find_source(Fetcher& fetcher, const Options& options) {
  const Target& target = options.target;
  Source source;
  if (options.from.empty()) {
    source.manifest = of_hub(fetcher, without_slashes(options.endpoint), target);
  } else if (options.from.find("://") != std::string::npos) {
    net::parse_url(options.from);
    source.manifest = of_url(fetcher, without_slashes(options.from), target);
  } else {
    std::error_code error;
    if (!fs::is_directory(options.from, error)) {
      base::fail(ErrorCode::kNotFound, base::printable(options.from), ": no such folder, and no URL");
    }
    source.manifest = of_folder(without_slashes(options.from), target);
    source.local = true;
  }
  Manifest& manifest = source.manifest;
  manifest.name = target.folder;
  if (!target.revision.empty()) {
    manifest.revision = target.revision;
  } else if (!is_store_name(manifest.revision)) {
    manifest.revision = "main";
  }
  if (manifest.licence.empty()) manifest.licence = target.licence;
  return source;
}

}  // namespace moonbeam::pull

// What a model on disk or at a mirror consists of: manifest.json beside its files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pull {

struct FileEntry {
  std::string path;         ///< a file name: nothing lies in sub-folders
  std::string url = {};     ///< where it came from
  std::int64_t size = -1;   ///< bytes; -1: not known
  std::string sha256 = {};  ///< 64 hexadecimal digits; empty: not known
  std::string git = {};     ///< git's name of the bytes, which the hub gives where it has no SHA-256
};

struct Manifest {
  std::string name, revision;  ///< below the models' cache
  std::string repository;      ///< of the hub; empty: none
  std::string commit;          ///< there
  std::string licence;         ///< SPDX identifier; empty: not known
  std::vector<FileEntry> files = {};

  const FileEntry* find(std::string_view path) const;
  std::int64_t bytes() const;  ///< of the sizes that are known
};

inline constexpr const char* kManifestName = "manifest.json";

/// @param where  for messages. @throws Error kCorrupt: no such object, sizes or digests that are none, names
/// that are not is_file_name() or occur twice.
Manifest parse_manifest(const std::string& text, const std::string& where);
std::string manifest_text(const Manifest& manifest);

/// Whether a file of a model may have that name: letters, digits and . _ -, neither first nor in excess; no
/// name that a download uses itself.
bool is_file_name(std::string_view name);
/// A name or revision below the models' cache: [a-z0-9][a-z0-9._-]{0,63}.
bool is_store_name(std::string_view name);
/// `digits` hexadecimal digits in lower case.
bool is_digest(std::string_view text, std::size_t digits);

}  // namespace moonbeam::pull

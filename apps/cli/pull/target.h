// From what stands after `moonbeam pull` to a repository of the hub and a folder of the cache.
#pragma once

#include <string>

namespace moonbeam::pull {

struct Target {
  std::string folder, revision;          ///< below the models' cache; the revision may be empty with --from
  std::string repository, hub_revision;  ///< empty: only a mirror can have it
  std::string tokenizer;                 ///< repository of the tokenizer, where its own is not the right one
  std::string licence;                   ///< as far as we know it
  std::string dtype;                     ///< of the files to take where there are several; empty: all

  /// "moondream2@2025-06-21"
  std::string name() const { return revision.empty() ? folder : folder + "@" + revision; }
};

/// NAME[@REVISION][:DTYPE] or hf:OWNER/NAME[@REVISION][:DTYPE]; nothing: the newest published model.
/// @param revision   of --revision, instead of one in the name
/// @param elsewhere  with --from: any name is good
/// @throws Error kInvalidArgument (no such form), kNotFound (a name that nobody published).
Target parse_target(std::string model, const std::string& revision, bool elsewhere);

}  // namespace moonbeam::pull

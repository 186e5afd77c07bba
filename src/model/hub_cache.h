// The cache of Hugging Face's tools as a place where models lie: read, never written. Layout:
// HUB/models--OWNER--NAME/snapshots/COMMIT/FILES, and refs/REVISION with the commit as text.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::model {

/// What says where the cache is; hugging_face_cache() of include/moonbeam/weights.h asks the environment.
struct HubSurroundings {
  std::string hf_hub_cache, hf_home, xdg_cache_home, home;
};
/// The folder above the models'; empty where nothing says it.
std::string hub_cache_for(const HubSurroundings& surroundings);

/// Folder of a snapshot with weights.
/// @param name      "owner/name", or "name" in lower case, of any owner
/// @param revision  branch, tag or commit; empty: what "main" is, else the snapshot written last
/// @return empty if there is none. @throws Error kInvalidArgument if several owners have that name.
std::string find_in_hub(const std::string& hub, std::string_view name, const std::string& revision);

/// Whether it may be looked up: OWNER/NAME[@REVISION] of letters, digits and . _ -
bool is_hub_name(std::string_view name);

/// "moondream2" for a snapshot's folder; empty for any other path.
std::string name_of_snapshot(const std::string& folder);

}  // namespace moonbeam::model

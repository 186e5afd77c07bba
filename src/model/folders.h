// Where models lie: names to paths. The folders themselves are in include/moonbeam/weights.h.
#pragma once

#include <string>
#include <vector>

#include <moonbeam/weights.h>

namespace moonbeam::model {

using moonbeam::model_folders;

/// `model` as a path: itself if it is one or says "synth:...", else the name looked up in the folders and
/// then in the cache of Hugging Face's tools ("moondream2", "moondream2@2025-06-21", "moondream2:int4");
/// "hf:OWNER/NAME[@REVISION]" among what was pulled and there alone. @throws Error kNotFound listing where it
/// looked.
std::string resolve_model(const std::string& model);

/// Whether `name` may be looked up: [a-z0-9][a-z0-9._-]{0,63}, with an optional @revision alike.
bool is_model_name(std::string_view name);

/// Whether weights lie in `folder` itself.
bool has_weights(const std::string& folder);

/// The folders for these surroundings; model_folders() asks the environment.
struct Surroundings {
  std::string moonbeam_models, moonbeam_cache, xdg_cache_home, home, executable;
};
std::vector<std::string> model_folders_for(const Surroundings& surroundings);
std::string models_cache_for(const Surroundings& surroundings);

}  // namespace moonbeam::model

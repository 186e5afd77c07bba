// What lies in a repository of Hugging Face's hub, or of a mirror that speaks its API, and which of it is a
// model.
#pragma once

#include <string>

#include "cli/pull/fetch.h"
#include "cli/pull/manifest.h"

namespace moonbeam::pull {

/// Every file at the top of a repository, with sizes, digests and URLs of the commit that `revision` is.
/// @throws as Fetcher::text(); Error kCorrupt for an answer that is none.
Manifest ask_hub(Fetcher& fetcher, const std::string& endpoint, const std::string& repository,
                 const std::string& revision);

/// From a listing what Moonbeam loads: the weights with their index, config.json, tokenizer.json, and the
/// licence. GGUF files only where there are no safetensors; of several the ones with `dtype` in their names.
/// @throws Error kNotFound (no weights), kInvalidArgument (several GGUF models and no dtype).
Manifest choose_files(const Manifest& listing, const std::string& dtype);

}  // namespace moonbeam::pull

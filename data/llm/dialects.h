// What probes found out, for the next run: a small JSON file, URL to dialect.
#pragma once

#include <optional>
#include <string>

#include "data/llm/body.h"

namespace moonbeam::llm {

/// None where the file or the URL is not there, or the file is damaged: a probe is cheap.
std::optional<Dialect> remembered_dialect(const std::string& file, const std::string& url);
/// An empty name: nothing. @throws Error kExhausted (disk full), kNotFound.
void remember_dialect(const std::string& file, const std::string& url, Dialect dialect);

}  // namespace moonbeam::llm

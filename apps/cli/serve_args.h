// Options of `moonbeam serve`: what they are called, what they may be, how they become the server's.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/options.h"

namespace moonbeam::cli {

/// Adds them to the verb; those of the model are not among them.
void add_serve_options(CLI::App& verb, ServeArgs& args);

/// Their names, for configuration files and the environment.
const std::vector<std::string>& serve_settings();

/// "20M", "512 MiB", "1000000" -> bytes: K, M, G are powers of 1024. @throws Error kInvalidArgument.
std::size_t parse_bytes(const std::string& option, const std::string& text);
/// "20", "20s", "1.5s", "500ms", "2m" -> milliseconds. @throws Error kInvalidArgument.
long parse_duration_ms(const std::string& option, const std::string& text);
/// Lists from the environment and files are one text: parts are divided by commas or white space.
std::vector<std::string> parts_of(const std::vector<std::string>& values);

}  // namespace moonbeam::cli

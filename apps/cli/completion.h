// Shell completions and the manual page, made from the tree that parses the command line.
#pragma once

#include <string>
#include <string_view>

#include "cli/args.h"

namespace moonbeam::cli {

/// @param shell "bash", "zsh" or "fish".
std::string completion_script(const CLI::App& root, std::string_view shell);
/// Section 1 page in man(7) macros.
std::string man_page(const CLI::App& root);

}  // namespace moonbeam::cli

// Checks of numbers on the command line, which say in words what was expected.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>

namespace moonbeam::cli {

CLI::Validator whole(std::int64_t least, std::int64_t most);
CLI::Validator whole_from_zero();
CLI::Validator real_from_zero();
CLI::Validator zero_to_one();
CLI::Validator above_zero_to_one();

}  // namespace moonbeam::cli

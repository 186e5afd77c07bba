// Starting another program.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

namespace moonbeam::base {

/// Starts `words`, a program of the PATH and its arguments. It takes the signals that this process keeps for
/// itself.
/// @param streams  descriptors that become its standard input, output and error; -1: /dev/null
/// @param child    the process, for waitpid()
/// @return 0, or the system's error number
int start_program(const std::vector<std::string>& words, const std::array<int, 3>& streams, pid_t& child);

}  // namespace moonbeam::base

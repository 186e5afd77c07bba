// What the benchmarks' main functions share: flags, of which a slip is refused, since a figure of something
// else is worse than none; errors; the median.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <moonbeam/model.h>

#include "base/error.h"

namespace moonbeam::bench {

/// @throws Error kInvalidArgument (no number from `least` to a million).
inline int number(const std::string& flag, const std::string& value, int least) {
  char* end = nullptr;
  const long n = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0' || n < least || n > 1'000'000) {
    base::fail(ErrorCode::kInvalidArgument, flag, ": expected a number of at least ", least, ", got '", value,
               "'");
  }
  return static_cast<int>(n);
}

/// @throws Error kInvalidArgument (no mode of this name).
inline Mode mode(const std::string& name) {
  const auto found = find_mode(name);
  if (!found) base::fail(ErrorCode::kInvalidArgument, "--mode: no mode '", name, "'");
  return *found;
}

/// Flags of every benchmark that opens a model.
struct ModelFlags {
  std::string model;
  std::string mode = "auto";
  int threads = 0;
  int repeat = 5;
};

/// Reads "--flag value" again and again; own(flag, value) takes the benchmark's own flags and tells whether
/// it is one. @throws Error kInvalidArgument (a slip, or no model).
template <typename Own>
void read_flags(int argc, char** argv, ModelFlags& flags, Own own) {
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 == argc) base::fail(ErrorCode::kInvalidArgument, flag, ": not a flag, or without its value");
    const std::string value = argv[i + 1];
    if (flag == "--model") {
      flags.model = value;
    } else if (flag == "--mode") {
      flags.mode = value;
    } else if (flag == "--threads") {
      flags.threads = number(flag, value, 0);
    } else if (flag == "--repeat") {
      flags.repeat = number(flag, value, 1);
    } else if (!own(flag, value)) {
      base::fail(ErrorCode::kInvalidArgument, flag, ": no such flag");
    }
  }
  mode(flags.mode);
  if (flags.model.empty()) base::fail(ErrorCode::kInvalidArgument, "--model: expected a path");
}

/// A main function: the exit status is 2 with the usage where read() throws, 1 where measure() does.
template <typename Read, typename Measure>
int run_main(const char* name, const char* usage, Read read, Measure measure) {
  try {
    read();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n%s", name, error.what(), usage);
    return 2;
  }
  try {
    measure();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
  return 0;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace moonbeam::bench

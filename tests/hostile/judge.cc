#include "hostile/judge.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>

#include "hostile/watched_new.h"

namespace moonbeam::testing {

namespace {

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

}  // namespace

void judge(Tally& tally, const ReadFn& read, std::string_view file, std::string_view name, bool names_files) {
  reset_largest_allocation();
  const double start = cpu_ms();
  try {
    read(file);
    ++tally.accepted;
  } catch (const Error& error) {
    ++tally.refused;
    const std::string_view message = error.what();
    const bool code = error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnsupported ||
                      (names_files && error.code() == ErrorCode::kNotFound);
    if (!code || !message.starts_with(name) || message.find('\n') != std::string_view::npos)
      ADD_FAILURE() << error_code_name(error.code()) << ": " << message;
  }
  tally.slowest_ms = std::max(tally.slowest_ms, cpu_ms() - start);
  tally.largest = std::max(tally.largest, largest_allocation());
}

std::string mutate(const std::string& file, std::mt19937& random) {
  constexpr const char* kWords[] = {
      "-1",   "1e999",   "18446744073709551615", "4294967296", "null",   "[[[[", "{}", "\"\"", "0.5",
      "true", "\\ud800", "\"Regex\":",           "\xff",       "\\u0000"};
  std::string out = file;
  const auto below = [&](std::size_t n) {
    return n == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes && !out.empty(); ++i) {
    const std::size_t at = below(out.size());
    const std::size_t length = 1 + below(std::min<std::size_t>(out.size() - at, 40));
    switch (below(6)) {
      case 0:
        out[at] = static_cast<char>(below(256));
        break;
      case 1:
        out.erase(at, length);
        break;
      case 2:
        out.insert(below(out.size()), out.substr(at, length));
        break;
      case 3:
        out.replace(at, std::min<std::size_t>(length, 3), kWords[below(std::size(kWords))]);
        break;
      case 4:
        out.resize(at);
        break;
      default:
        std::swap(out[at], out[below(out.size())]);
    }
  }
  return out;
}

int mutants(int otherwise) {
  const char* set = std::getenv("MOONBEAM_MUTANTS");
  return set ? std::atoi(set) : otherwise;
}

Tally judge_mutants(const std::string& file, int count, const ReadFn& read, std::string_view name,
                    bool names_files) {
  std::mt19937 random(20250621);
  Tally tally;
  for (int i = 0; i < count; ++i) judge(tally, read, mutate(file, random), name, names_files);
  return tally;
}

}  // namespace moonbeam::testing

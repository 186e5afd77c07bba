// The regression gate: shares of a limit, of one thread per CPU second, against those stored for the same
// CPU.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/machine.h"
#include "measure.h"

namespace moonbeam::bench {

/// Name, family and model: virtual machines call processors of several generations by one name.
inline std::string this_cpu() {
  std::ifstream file("/proc/cpuinfo");
  std::string text = base::cpu_features().name;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::string key = line.substr(0, line.find('\t'));
    const std::size_t colon = line.find(": ");
    if ((key == "cpu family" || key == "model") && colon != std::string::npos)
      text += ", " + key.substr(key.find(' ') + 1) + " " + line.substr(colon + 2);
  }
  return text;
}

/// Compares with the lines "CPU | ISA | figure | share" of `path` that are of this CPU; prints what fell by
/// more than a twentieth of its value. True if nothing did. Where no line is of this CPU it says so and is
/// true: shares of one processor mean nothing on another.
inline bool holds_the_gate(const Report& report, const std::string& path) {
  constexpr double kLoss = 0.05;
  std::ifstream file(path);
  if (!file) base::fail(ErrorCode::kNotFound, path, ": cannot be read");
  const std::string cpu = this_cpu();
  int compared = 0, fallen = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string fields[4];
    for (std::string& field : fields) {
      std::getline(words, field, '|');
      field.erase(0, field.find_first_not_of(' '));
      field.erase(field.find_last_not_of(' ') + 1);
    }
    if (fields[0] != cpu) continue;
    for (const Figure& figure : report.figures()) {
      if (figure.isa != fields[1] || figure.what != fields[2] || figure.threads != 1) continue;
      ++compared;
      const double stored = std::stod(fields[3]);
      if (figure.best_share >= stored * (1 - kLoss)) continue;
      ++fallen;
      std::printf("gate: %s on %s: expected at least %.3f of the limit (%.3f less 5 %%), got %.3f\n",
                  fields[2].c_str(), fields[1].c_str(), stored * (1 - kLoss), stored, figure.best_share);
    }
  }
  if (compared == 0) {
    std::printf("gate: nothing is stored for '%s' in %s: nothing compared\n", cpu.c_str(), path.c_str());
  } else {
    std::printf("gate: %d figures compared, %d fell\n", compared, fallen);
  }
  return fallen == 0;
}

/// Lines for the file that holds_the_gate() reads.
inline void print_gate(const Report& report) {
  for (const Figure& figure : report.figures()) {
    if (figure.threads == 1 && figure.best_share > 0)
      std::printf("%s | %s | %s | %.3f\n", this_cpu().c_str(), figure.isa.c_str(), figure.what.c_str(),
                  figure.best_share);
  }
}

}  // namespace moonbeam::bench

// The regression gate: shares of a limit, of one thread per CPU second, against those stored for the same
// CPU.
#pragma once

#include <cstdio>
#include <fstream>
#include <map>
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

/// What a file of lines "CPU | ISA | figure | share" says of this CPU. A figure falls when its share is more
/// than a twentieth below the stored one. Shares of one processor mean nothing on another: of one that the
/// file does not have, nothing is compared.
class Gate {
 public:
  /// How often a figure that fell is measured again, a second later each time: what another user of the
  /// processor takes from one run it rarely takes from all, and what was made slower stays slow.
  static constexpr int kRepeats = 10;

  Gate() = default;
  explicit Gate(const std::string& path) : path_(path) {
    std::ifstream file(path);
    if (!file) base::fail(ErrorCode::kNotFound, path, ": cannot be read");
    const std::string cpu = this_cpu();
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words(line);
      std::string fields[4];
      for (std::string& field : fields) {
        std::getline(words, field, '|');
        field.erase(0, field.find_first_not_of(' '));
        field.erase(field.find_last_not_of(' ') + 1);
      }
      if (fields[0] == cpu) stored_[fields[2] + " on " + fields[1]] = std::stod(fields[3]);
    }
  }

  /// Whether a share of one thread holds; true for what nothing is stored of.
  bool holds(const std::string& what, const std::string& isa, double share) const {
    const auto found = stored_.find(what + " on " + isa);
    return found == stored_.end() || share >= found->second * (1 - kLoss);
  }

  /// Prints what fell. True if nothing did.
  bool holds(const Report& report) const {
    int compared = 0, fallen = 0;
    for (const Figure& figure : report.figures()) {
      const auto found = stored_.find(figure.what + " on " + figure.isa);
      if (found == stored_.end() || figure.threads != 1) continue;
      ++compared;
      if (holds(figure.what, figure.isa, figure.share)) continue;
      ++fallen;
      std::printf("gate: %s: expected at least %.3f of the limit (%.3f less 5 %%), got %.3f\n",
                  found->first.c_str(), found->second * (1 - kLoss), found->second, figure.share);
    }
    if (compared == 0) {
      std::printf("gate: nothing is stored for '%s' in %s: nothing compared\n", this_cpu().c_str(),
                  path_.c_str());
    } else {
      std::printf("gate: %d figures compared, %d fell\n", compared, fallen);
    }
    return fallen == 0;
  }

 private:
  static constexpr double kLoss = 0.05;

  std::string path_;
  std::map<std::string, double> stored_;  // by "FIGURE on ISA"
};

/// Lines for the file that a Gate reads.
inline void print_gate(const Report& report) {
  for (const Figure& figure : report.figures()) {
    if (figure.threads == 1 && figure.share > 0)
      std::printf("%s | %s | %s | %.3f\n", this_cpu().c_str(), figure.isa.c_str(), figure.what.c_str(),
                  figure.share);
  }
}

}  // namespace moonbeam::bench

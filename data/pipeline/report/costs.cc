#include "data/pipeline/report/costs.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/formats/byte_source.h"

namespace moonbeam::pipeline {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLongestLine = std::size_t{1} << 20;

void add(const std::string& line, Costs& out) {
  const nlohmann::json row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  try {
    const llm::Spent spent{1,
                           {row.at("prompt").get<std::int64_t>(), row.at("completion").get<std::int64_t>(),
                            row.at("cached").get<std::int64_t>()},
                           row.at("price").get<double>(),
                           row.at("gpu_s").get<double>()};
    out.total += spent;
    out.by_stage[row.at("stage").get<std::string>()] += spent;
    out.by_model[row.at("model").get<std::string>()] += spent;
    ++out.by_status[row.at("status").get<std::string>()];
  } catch (const nlohmann::json::exception&) {
    ++out.unread;
  }
}

}  // namespace

Costs read_costs(const std::string& work) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(work + "/ledger", error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".jsonl") files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  Costs out;
  for (const std::string& file : files) {
    data::ByteSource source(file);
    std::string line;
    bool whole = true;
    while (source.read_line(line, kLongestLine, whole)) {
      if (!line.empty()) add(line, out);
    }
  }
  return out;
}

}  // namespace moonbeam::pipeline

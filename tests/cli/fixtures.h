// What the tests of the program share: the starter model, its pictures and its known answers.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/test_folder.h"
#include "tests/cli/spawn.h"

namespace moonbeam::test {

using cli::TestFolder;
using nlohmann::json;

inline const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

inline std::string sample(const std::string& name) {
  return kStarter + "/samples/" + name;
}

/// The starter's known answer: a request's object in expected.json.
inline json expected(const std::string& file, const std::string& task, const std::string& argument) {
  static const json all = json::parse(read_all(sample("expected.json")));
  for (const json& picture : all["samples"]) {
    if (picture["file"] != file) continue;
    for (const json& request : picture["requests"]) {
      if (request["task"] == task && request["arg"] == argument) return request;
    }
  }
  ADD_FAILURE() << "no " << task << " '" << argument << "' of " << file;
  return {};
}

/// `arguments` with -m STARTER and --quiet after the verb.
inline std::vector<std::string> with_model(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin() + 1, {"-m", kStarter, "--quiet"});
  return arguments;
}

inline std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

/// One line that says something, and nothing on standard output.
inline void expect_refused(const Ran& ran, int status) {
  EXPECT_EQ(ran.status, status) << ran.err;
  EXPECT_EQ(ran.err_lines(), 1u) << ran.err;
  EXPECT_TRUE(ran.err.starts_with("moonbeam: ")) << ran.err;
  EXPECT_EQ(ran.out, "");
}

}  // namespace moonbeam::test

// Prompts and the schemas of their answers, as files that people read and edit: NAME.txt with a part [system]
// and a part [user], NAME.schema.json, and optionally NAME.examples.jsonl, worked examples {"input",
// "output"}. NAME.list holds things to draw from, one a line; # is a remark.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/llm/call.h"

namespace moonbeam::pipeline {

struct Example {
  llm::Json input, output;
};

struct Prompt {
  std::string name;                   ///< "S3"
  std::string system, user;           ///< user: what stands before the input
  llm::OrderedJson schema = nullptr;  ///< null: free text
  std::vector<Example> examples;

  /// Constant parts first, so that servers keep them: system, the chosen examples as turns, then the input
  /// between <input> and </input>, with a member "stage" that names the prompt.
  std::vector<llm::Message> messages(const llm::Json& input, const std::vector<std::size_t>& chosen) const;
};

class Prompts {
 public:
  /// All of a folder. @throws Error kNotFound, kInvalidArgument naming file and line: no [user] part, a
  /// schema that llm::check_schema refuses, an example whose output is not of the schema.
  explicit Prompts(const std::filesystem::path& folder);

  /// @throws Error kNotFound.
  const Prompt& at(const std::string& name) const;
  /// Lines of NAME.list. @throws Error kNotFound.
  const std::vector<std::string>& list(const std::string& name) const;
  /// More lines for a list; they count for the identity.
  void extend(const std::string& list, const std::vector<std::string>& lines);
  /// SHA-256 of all files with their names: part of the pipeline's identity.
  const std::string& sha256() const { return sha256_; }

 private:
  std::string folder_;
  std::map<std::string, Prompt> prompts_;
  std::map<std::string, std::vector<std::string>> lists_;
  std::string sha256_;
};

/// What is installed with the program, or stands in the source tree.
std::filesystem::path find_prompts_folder();

}  // namespace moonbeam::pipeline

// One value as a tree, from a parser's events; what it may not be is kept for later, since the parser has to
// find the value's end anyway.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/reading.h"

namespace moonbeam::data {

class JsonTree {
 public:
  using json = nlohmann::json;

  void clear();
  void open(bool object);
  void key(std::string& name);
  void value(json value);
  void close();

  const json& root() const { return root_; }
  struct Problem {
    Reason reason;
    std::string what;
  };
  const std::optional<Problem>& problem() const { return problem_; }
  void add_problem(Reason reason, std::string what);

 private:
  json* place(json value);

  json root_;
  std::vector<json*> open_;  // arrays grow at their end alone while something in them is open
  json* member_ = nullptr;
  std::size_t values_ = 0, text_ = 0;
  bool given_up_ = false;  // too large: no more is kept
  std::optional<Problem> problem_;
};

}  // namespace moonbeam::data

#include "data/formats/json_tree.h"

#include "base/text.h"
#include "data/formats/json_rows.h"

namespace moonbeam::data {

void JsonTree::clear() {
  root_ = nullptr;
  open_.clear();
  member_ = nullptr;
  values_ = text_ = 0;
  given_up_ = false;
  problem_.reset();
}

void JsonTree::add_problem(Reason reason, std::string what) {
  if (!problem_) problem_ = {reason, std::move(what)};
}

nlohmann::json* JsonTree::place(json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  if (open_.back()->is_array()) {
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }
  *member_ = std::move(value);
  return member_;
}

void JsonTree::open(bool object) {
  value(object ? json::object() : json::array());
}

void JsonTree::key(std::string& name) {
  if (given_up_) return;
  text_ += name.size();
  const auto [member, fresh] = open_.back()->emplace(name, nullptr);
  if (!fresh) add_problem(Reason::kBadValue, base::cat("'", base::printable(name), "' stands there twice"));
  member_ = &*member;
}

void JsonTree::close() {
  if (!given_up_) open_.pop_back();
}

void JsonTree::value(json value) {
  if (given_up_) return;
  const bool container = value.is_structured();
  if (value.is_string()) text_ += value.get_ref<const std::string&>().size();
  if (++values_ > kMostRowValues || text_ > kMostRowText) {
    add_problem(Reason::kTooLarge, base::cat("a record of more than ", kMostRowValues, " values or ",
                                             kMostRowText, " bytes of text"));
    given_up_ = true;
    return;
  }
  json* placed = place(std::move(value));
  if (container) open_.push_back(placed);
}

}  // namespace moonbeam::data

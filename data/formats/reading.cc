#include "data/formats/reading.h"

#include "base/text.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kExamples = 20;
constexpr std::size_t kMostKeys = 256;  // a file may hold as many different ones as it has bytes

}  // namespace

std::string_view name(Reason reason) {
  constexpr std::array<std::string_view, kReasons> kNames = {
      "syntax",     "missing-key",  "bad-value",     "bad-box",   "bad-mask",
      "unknown-id", "duplicate-id", "missing-image", "too-large", "cut"};
  return kNames[static_cast<std::size_t>(reason)];
}

void Reading::refuse(const RecordError& error) {
  if (bad_ == Bad::kThrow) throw error;
  ++counts.refused;
  ++counts.by_reason[static_cast<std::size_t>(error.reason())];
  if (counts.examples.size() < kExamples) counts.examples.emplace_back(error.what());
  if (on_refused) on_refused(error);
}

void Reading::take_back(const RecordError& error) {
  refuse(error);
  --counts.records;
}

void Reading::count_key(std::map<std::string, std::uint64_t, std::less<>>& keys, std::string_view record,
                        std::string_view key) {
  std::string name = base::cat(record, ".", base::printable(key.substr(0, 64)));
  if (const auto known = keys.find(name); known != keys.end()) {
    ++known->second;
  } else {
    ++keys[keys.size() < kMostKeys ? std::move(name) : "(others)"];
  }
}

}  // namespace moonbeam::data

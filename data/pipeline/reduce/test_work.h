// For tests: small work folders made of hand-made records.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/test_folder.h"
#include "data/pipeline/record/record_json.h"

namespace moonbeam::pipeline {

inline Record test_record(int number) {
  Record record;
  record.input.key = "coco-" + std::to_string(number);
  record.input.ordinal = number;
  record.input.file = std::to_string(number) + ".jpg";
  record.input.width = 320;
  record.input.height = 240;
  record.input.licence = "cc-by-4.0";
  record.picture.sha256 = std::string(64, static_cast<char>('a' + number % 6));
  // Any two of them differ in many bits.
  record.picture.hash = (static_cast<std::uint64_t>(number) + 1) * 0x9e3779b97f4a7c15;
  return record;
}

inline Pair test_pair(std::string id, std::string q, std::string a_short, std::string a_sentence = {}) {
  Pair pair;
  pair.id = std::move(id);
  pair.type = pair.id.substr(0, pair.id.find(':'));
  pair.q = pair.asked = std::move(q);
  pair.a_short = std::move(a_short);
  pair.a_sentence = std::move(a_sentence);
  if (pair.a_sentence.empty()) {
    pair.instruction = "Answer briefly.";
    pair.asked += " Answer briefly.";
  }
  return pair;
}

inline Caption test_caption(std::string length, std::string text) {
  Caption caption;
  caption.length = std::move(length);
  caption.text = std::move(text);
  return caption;
}

/// Chunk by chunk; `backwards`: written in the other order, as another run's workers might.
inline void make_work(const base::TestFolder& folder, const std::vector<std::vector<Record>>& chunks,
                      bool backwards = false) {
  Json plan = {{"pipeline", "a41b"}};
  std::size_t pictures = 0, size = chunks[0].size();
  bool even = true;  // else no plan would have cut them so
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    pictures += chunks[i].size();
    even = even && (i + 1 < chunks.size() ? chunks[i].size() == size : chunks[i].size() <= size);
  }
  if (even) plan.update({{"pictures", pictures}, {"shard_pictures", 2 * size}, {"chunk_pictures", size}});
  folder.put("work/plan.json", plan.dump());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < chunks.size(); ++i) order.push_back(i);
  if (backwards) std::reverse(order.begin(), order.end());
  for (const std::size_t i : order) {
    std::string text;
    for (const Record& record : chunks[i]) {
      text += record_line(record);
      folder.put("pictures/" + record.input.file, "\xff\xd8 picture " + record.input.key);
    }
    const auto digits = [](std::size_t n) { return std::string(4, '0') + std::to_string(n); };
    const std::string name = "work/shards/" + digits(i / 2) + "/chunk-" + digits(i % 2);
    folder.put(name + ".jsonl", text);
    folder.put(name + ".done", Json({{"sha256", base::sha256_hex(std::as_bytes(std::span(text)))},
                                     {"bytes", text.size()},
                                     {"counts", Json::object()}})
                                   .dump());
  }
}

}  // namespace moonbeam::pipeline

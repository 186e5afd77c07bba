#include "data/pipeline/reduce/embedding.h"

#include <cmath>

#include "base/error.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

namespace {

void add(std::vector<float>& out, std::uint64_t hash, float weight) {
  out[hash % out.size()] += (hash >> 40 & 1) != 0 ? weight : -weight;
}

}  // namespace

std::vector<float> hashed_ngrams(std::string_view text) {
  std::vector<float> out(kHashedWidth, 0.0f);
  for (const std::string& word : plain_words(text)) {
    add(out, hash_of("w" + word), 2);
    const std::string padded = "^" + word + "$";
    for (std::size_t i = 0; i + 3 <= padded.size(); ++i) add(out, hash_of(padded.substr(i, 3)), 1);
  }
  double sum = 0;
  for (const float value : out) sum += static_cast<double>(value) * value;
  if (sum > 0) {
    const double scale = 1 / std::sqrt(sum);
    for (float& value : out) value = static_cast<float>(value * scale);
  }
  return out;
}

Embedder hashed_embedder() {
  return [](const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> out;
    for (const std::string& text : texts) out.push_back(hashed_ngrams(text));
    return out;
  };
}

double cosine(std::span<const float> a, std::span<const float> b) {
  MB_ASSERT(a.size() == b.size());
  double both = 0, own_a = 0, own_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += static_cast<double>(a[i]) * b[i];
    own_a += static_cast<double>(a[i]) * a[i];
    own_b += static_cast<double>(b[i]) * b[i];
  }
  return own_a > 0 && own_b > 0 ? both / std::sqrt(own_a * own_b) : 0;
}

}  // namespace moonbeam::pipeline

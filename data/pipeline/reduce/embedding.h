// Texts as vectors: an encoder's, or hashed n-grams where there is none (ruling 27).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

/// A vector for each text, all of one length. Asked for a chunk's texts at once.
using Embedder = std::function<std::vector<std::vector<float>>(const std::vector<std::string>&)>;

inline constexpr int kHashedWidth = 256;

/// Words and runs of three letters, hashed into a vector of length 1: the same bits on every machine.
std::vector<float> hashed_ngrams(std::string_view text);
Embedder hashed_embedder();
inline constexpr std::string_view kHashedName = "hashed n-grams";

/// 0 where one has no length.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace moonbeam::pipeline

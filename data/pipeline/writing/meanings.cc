#include "data/pipeline/writing/meanings.h"

#include <cstdint>
#include <cstring>

#include "base/text.h"
#include "data/pipeline/reduce/embedding.h"

namespace moonbeam::pipeline {

std::vector<llm::Call> ask_meanings(const Record& record, std::string_view stage,
                                    const std::vector<std::string>& texts, const Context& context) {
  const Generator& who = context.roles.embedder;
  if (who.model.empty() || texts.empty()) return {};
  llm::Call call;
  call.kind = llm::CallKind::kEmbeddings;
  call.id = base::cat(record.input.key, '/', stage, "/meanings");
  call.image = record.input.key;
  call.stage = stage;
  call.model = who.model;
  call.revision = who.revision;
  call.inputs = texts;
  data::Stream own = context.draws(record, base::cat("call ", call.id));
  call.rng = std::uint64_t{own.next()} << 32 | own.next();
  return {call};
}

void take_meanings(Record& record, const llm::Result& result) {
  const std::size_t width = result.embeddings.empty() ? 0 : result.embeddings[0].size();
  // Bytes: of a chunk's texts there are many numbers.
  std::vector<std::uint8_t> bytes(result.embeddings.size() * width * sizeof(float));
  for (std::size_t i = 0; i < result.embeddings.size() && width > 0; ++i) {
    std::memcpy(bytes.data() + i * width * sizeof(float), result.embeddings[i].data(), width * sizeof(float));
  }
  record.scratch = {{"width", width}, {"vectors", Json::binary(std::move(bytes))}};
}

std::vector<std::vector<float>> meanings_of(const Record& record, const std::vector<std::string>& texts,
                                            const Context& context) {
  if (context.roles.embedder.model.empty()) return hashed_embedder()(texts);
  std::vector<std::vector<float>> out(texts.size());
  if (!record.scratch.contains("vectors")) return out;
  const auto width = record.scratch["width"].get<std::size_t>();
  const Json::binary_t& bytes = record.scratch["vectors"].get_binary();
  if (bytes.size() != texts.size() * width * sizeof(float)) return out;
  for (std::size_t i = 0; i < texts.size() && width > 0; ++i) {
    out[i].resize(width);
    std::memcpy(out[i].data(), bytes.data() + i * width * sizeof(float), width * sizeof(float));
  }
  return out;
}

}  // namespace moonbeam::pipeline

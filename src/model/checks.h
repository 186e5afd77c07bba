// What must hold before weights are used: names, shapes, types, memory, finite values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <moonbeam/model.h>

#include "base/machine.h"
#include "model/recipe.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

/// All tensors of the table are in the source, with their shapes and readable types. Adds a note on tensors
/// that nobody uses. @throws Error kCorrupt (missing, shape, more blocks than configured), kUnsupported
/// (type).
void check_tensors(const Source& source, const std::vector<TensorSpec>& table,
                   std::vector<std::string>& notes);

/// Names in the source that the table does not know.
std::vector<std::string> unused_tensors(const Source& source, const std::vector<TensorSpec>& table);

/// Bytes that a model takes, from headers alone.
struct MemoryNeed {
  std::int64_t owned = 0;   ///< weights that are made or widened
  std::int64_t mapped = 0;  ///< weights used where they lie
  std::int64_t work = 0;    ///< one picture: activations, cache of the whole context, logits; an estimate
  std::int64_t total() const noexcept { return owned + mapped + work; }
};
/// @param mode    not kAuto.
/// @param recipe  as ChosenMode::recipe.
MemoryNeed memory_need(const Source& source, const std::vector<TensorSpec>& table, const ModelConfig& config,
                       Mode mode, const Recipe& recipe = {}, bool mmap = false);

/// True of what is read into memory once, and checked on the way: the tensors of quantised files, unless they
/// shall stay mapped.
bool is_read_whole(const SourceTensor& tensor, bool mmap) noexcept;

/// @throws Error kExhausted with both figures.
void check_memory(const MemoryNeed& need, const base::Memory& memory, const std::string& path);

/// @throws Error kCorrupt: the file says another sum of the tensor's bytes.
void check_sum(const Source& source, const SourceTensor& tensor, std::uint64_t sum);

/// `first`: index of values[0] in the tensor. @throws Error kCorrupt naming the first value that is NaN or
/// infinite.
void check_finite(std::span<const float> values, const std::string& tensor, const std::string& path,
                  std::int64_t first = 0);

/// Type that most values have.
std::string most_frequent_dtype(const Source& source, const std::vector<TensorSpec>& table);

}  // namespace moonbeam::model

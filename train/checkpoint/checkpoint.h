// One file with all that a run needs to go on as if nothing had happened: weights, averages, moments,
// counters. Pictures and questions are functions of the counters, so there is no state of theirs.
//
// The file is safetensors, in f32, with the counters as JSON under "state" in its metadata.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moonbeam::train {

/// Where a run stands: before the step that comes next.
struct RunState {
  int stage = 0;                                  ///< index in the recipe
  std::int64_t stage_step = 0;                    ///< steps done in the stage
  std::int64_t step = 0;                          ///< steps done in all
  std::uint64_t next_scene = 0, next_window = 0;  ///< the data's cursor: indices not drawn yet
  std::uint64_t next_own = 0;                     ///< likewise of stages of own pictures
  int widened = 0;                                ///< how many of the stage's wider class lists were taken
  std::int64_t mixed_from =
      -1;                    ///< step of the stage from which full scenes come between windows; -1: not yet
  double stage_seconds = 0;  ///< of training in the stage: what stages by minutes go by
  double seconds = 0;        ///< of training in all
  std::int64_t average_updates = 0;
  bool operator==(const RunState&) const = default;
};

/// JSON, and back. @throws Error kCorrupt, kUnsupported; `where` stands in the message.
std::string state_text(const RunState& state);
RunState parse_state(const std::string& text, const std::string& where);

struct Checkpoint {
  RunState state;
  std::string recipe;          ///< its text
  std::string recipe_name;     ///< path it was read from: files in it are relative to that
  std::string tokenizer_json;  ///< so that a run stands alone
  std::string start = {};      ///< as train/loop/start.h writes it; empty: from nothing, with drawn scenes
  /// Names and tensors: to write, or to fill when reading.
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
};

/// Whole or not at all: the file of before stays where the disk is full. @throws Error kExhausted, kNotFound.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Counters and texts alone. @throws Error kNotFound, kCorrupt, kUnsupported (of a newer form).
Checkpoint read_checkpoint_state(const std::string& path);

/// Fills every tensor of `checkpoint.tensors`, and the rest. @throws Error as above; kCorrupt where a tensor
/// is missing, has another shape or is not finite. Nothing was filled then.
void read_checkpoint(const std::string& path, Checkpoint& checkpoint);

}  // namespace moonbeam::train

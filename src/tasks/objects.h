// The decode loop for places: bins of coordinates and sizes instead of text.
#pragma once

#include <functional>
#include <vector>

#include <moonbeam/types.h>

#include "tasks/generation.h"
#include "tasks/runner.h"

namespace moonbeam::tasks {

/// One object as it was decoded. Sizes are those of detect; point leaves them 0.
struct DecodedObject {
  std::vector<int> bins;  ///< x, y and for detect width, height
  float x = 0, y = 0, width = 0, height = 0;
};

/// For tests: logits that each bin or the choice to end is taken from. `kind` is 't' (text), 'x', 'y' or 's'.
using RegionLogitsFn = std::function<void(char kind, std::span<const float> logits)>;

/// A coordinate from the hidden of the last position; its bin goes to the end of `bins`.
/// @throws Error kCorrupt if the logits are not finite numbers.
float read_coordinate(Runner& runner, const Sequence& sequence, std::vector<int>& bins,
                      const RegionLogitsFn& on_logits = {}, char kind = 'x');

/// What may begin an object where the model could also end the list.
enum class ObjectStart {
  kAnyToken,   ///< whatever scores highest, unless it is EOS
  kCoordOnly,  ///< the coordinate token, if it scores above EOS; other tokens do not count
};

inline ObjectStart object_start(const ObjectOptions& options) noexcept {
  return options.only_objects ? ObjectStart::kCoordOnly : ObjectStart::kAnyToken;
}

/// @throws Error kInvalidArgument (max_objects).
void check(const ObjectOptions& options);

/// Tokens that `count` objects took: x, y and, as one, width and height.
inline int object_tokens(std::size_t count, bool with_size) noexcept {
  return static_cast<int>(count) * (with_size ? 3 : 2);
}

/// Continues a sequence after a detect (with_size) or point prompt, until EOS, max_objects, a full context or
/// a callback's false. Greedy, as in the reference. Steps whose logits nobody reads go without the lm_head;
/// for kCoordOnly two rows of it are computed. Follows vikhyat/moondream moondream/torch/moondream.py
/// `_generate_points`.
class ObjectGeneration final : public Generation {
 public:
  ObjectGeneration(const Engine& engine, bool with_size, int max_objects, ProgressFn progress = {},
                   RegionLogitsFn on_logits = {}, ObjectStart start = ObjectStart::kAnyToken);
  bool reads_prompt_logits() const override;
  Next next(Runner& runner, Sequence& sequence) override;
  std::vector<DecodedObject>& result() noexcept { return objects_; }

 private:
  enum class State { kAsk, kFedX, kFedY, kFedObject };
  bool another(Runner& runner, Sequence& sequence);
  bool starts(Runner& runner, Sequence& sequence);
  Next feed(Token token, bool last);
  bool keep();

  const Engine& engine_;
  const bool with_size_;
  const int max_objects_;
  const ProgressFn progress_;
  const RegionLogitsFn on_logits_;
  const ObjectStart start_;
  State state_ = State::kAsk;
  DecodedObject object_;
  Token token_;
  std::vector<DecodedObject> objects_;
};

/// An ObjectGeneration alone. @throws Error kCorrupt if the logits are not finite numbers.
std::vector<DecodedObject> decode_objects(Runner& runner, Sequence& sequence, bool with_size, int max_objects,
                                          const ProgressFn& progress = {},
                                          const RegionLogitsFn& on_logits = {},
                                          ObjectStart start = ObjectStart::kAnyToken);

/// x, y from the hidden of the last position on, whatever the logits say (gaze).
DecodedObject decode_point(Runner& runner, Sequence& sequence, const RegionLogitsFn& on_logits = {});

Box to_box(const DecodedObject& object) noexcept;
inline Point to_point(const DecodedObject& object) noexcept {
  return {object.x, object.y};
}

}  // namespace moonbeam::tasks

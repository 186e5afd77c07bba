#include "tasks/objects.h"

#include <algorithm>

#include "region/region.h"
#include "tasks/generate.h"
#include "text/sampler.h"

namespace moonbeam::tasks {

namespace {

/// Reads bins from the hidden of the last position and feeds their embeddings.
class ObjectDecoder {
 public:
  ObjectDecoder(Runner& runner, Sequence& sequence, const RegionLogitsFn& on_logits)
      : runner_(runner),
        sequence_(sequence),
        on_logits_(on_logits),
        config_(*runner.engine().config().region),
        weights_(*runner.engine().model->region),
        logits_(static_cast<std::size_t>(std::max(config_.coord_out_dim, config_.size_out_dim))) {}

  float coordinate(char kind, std::vector<int>& bins) {
    const std::span<float> logits = std::span(logits_).first(static_cast<std::size_t>(config_.coord_out_dim));
    region::decode_coordinate(runner_.context(), weights_, sequence_.hidden.data(), 1, logits.data());
    bins.push_back(best(kind, logits));
    return region::bin_to_coordinate(config_, bins.back());
  }

  void size(DecodedObject& object) {
    const auto bins = static_cast<std::size_t>(config_.size_out_dim / 2);
    region::decode_size(runner_.context(), weights_, sequence_.hidden.data(), 1, logits_.data());
    object.bins.push_back(best('s', std::span(logits_).first(bins)));
    object.width = region::bin_to_size(config_, object.bins.back());
    object.bins.push_back(best('s', std::span(logits_).subspan(bins, bins)));
    object.height = region::bin_to_size(config_, object.bins.back());
  }

  // Only the step after which "another object or the end" is asked needs the lm_head.
  void feed(Token token, bool logits) { runner_.advance(sequence_, std::span(&token, 1), logits); }

  bool another(ObjectStart start) {
    const model::Prompts& prompts = runner_.engine().prompts();
    const std::vector<float>& logits = sequence_.logits;
    const int id = best('t', logits);
    if (start == ObjectStart::kAnyToken || prompts.coord < 0) return id != prompts.eos;
    return logits[static_cast<std::size_t>(prompts.coord)] > logits[static_cast<std::size_t>(prompts.eos)];
  }

  int best(char kind, std::span<const float> logits) {
    if (on_logits_) on_logits_(kind, logits);
    const int id = text::argmax(logits);
    if (id < 0) fail_not_finite(runner_.engine());
    return id;
  }

 private:
  Runner& runner_;
  Sequence& sequence_;
  const RegionLogitsFn& on_logits_;
  const region::RegionConfig& config_;
  const region::RegionWeights& weights_;
  std::vector<float> logits_;
};

}  // namespace

std::vector<DecodedObject> decode_objects(Runner& runner, Sequence& sequence, bool with_size, int max_objects,
                                          const ProgressFn& progress, const RegionLogitsFn& on_logits,
                                          ObjectStart start) {
  const Engine& engine = runner.engine();
  const int positions = with_size ? 3 : 2;  // that an object takes
  ObjectDecoder decoder(runner, sequence, on_logits);
  std::vector<DecodedObject> objects;
  while (decoder.another(start) && static_cast<int>(objects.size()) < max_objects &&
         room(engine, sequence) >= positions) {
    DecodedObject object;
    object.x = decoder.coordinate('x', object.bins);
    decoder.feed(CoordToken{object.x}, false);
    object.y = decoder.coordinate('y', object.bins);
    decoder.feed(CoordToken{object.y}, !with_size);
    if (with_size) {
      decoder.size(object);
      decoder.feed(SizeToken{object.width, object.height}, true);
    }
    objects.push_back(std::move(object));
    if (progress && !progress({Progress::Stage::kDecode, static_cast<int>(objects.size()), max_objects})) {
      break;
    }
  }
  return objects;
}

DecodedObject decode_point(Runner& runner, Sequence& sequence, const RegionLogitsFn& on_logits) {
  ObjectDecoder decoder(runner, sequence, on_logits);
  DecodedObject object;
  object.x = decoder.coordinate('x', object.bins);
  decoder.feed(CoordToken{object.x}, false);
  object.y = decoder.coordinate('y', object.bins);
  return object;
}

Box to_box(const DecodedObject& object) noexcept {
  const double half_width = object.width / 2.0;
  const double half_height = object.height / 2.0;
  return {object.x - half_width, object.y - half_height, object.x + half_width, object.y + half_height};
}

}  // namespace moonbeam::tasks

// Pictures and questions of one's own as pictures of a batch: which one comes when is a function of the index
// and the seed, so that a run can be cut anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/config.h"
#include "text/tokenizer.h"
#include "train/batch/batch.h"
#include "train/own/own_set.h"
#include "train/recipe/recipe.h"

namespace moonbeam::train {

/// Prompt and answer of a question. @throws Error kUnsupported (the model has no such task).
Sequence sequence_of(const OwnQuestion& question, const text::Tokenizer& tokenizer,
                     const model::ModelConfig& config, const LossPlan& loss);

class OwnPictures {
 public:
  /// Looks at every question, and at the pictures themselves where there are not too many of them.
  /// @param tokenizer, config  outlive it
  /// @throws Error naming the file and the line or row: kCorrupt (a control token in a text, a picture that
  /// cannot be read or has another size), kExhausted (longer than the model's context), kUnsupported.
  OwnPictures(OwnSet set, const OwnSettings& settings, std::uint64_t seed, const text::Tokenizer& tokenizer,
              const model::ModelConfig& config);

  std::uint64_t trained() const { return set_.pictures.size() - kept_; }
  std::uint64_t kept() const { return kept_; }  ///< for the validation
  const std::vector<std::string>& notes() const { return set_.notes; }

  /// What is trained on, again and again: all of them once, then all of them in another order.
  /// Of a picture with many questions each turn takes the next ones. Any thread.
  Picture trained_picture(const Stage& stage, std::uint64_t index) const;
  /// index < kept().
  Picture kept_picture(const Stage& stage, std::uint64_t index) const;
  /// One to show answers about: of those kept out, or of all where none are.
  const OwnPicture& shown(std::uint64_t turn) const;

 private:
  const OwnPicture& at(std::uint64_t place) const;
  Picture make(const OwnPicture& picture, const Stage& stage, std::uint64_t visit) const;
  Picture cut(const OwnPicture& picture) const;
  void check_questions() const;
  void check_pictures() const;

  OwnSet set_;
  std::uint64_t seed_, kept_;
  const text::Tokenizer& tokenizer_;
  const model::ModelConfig& config_;
  // Decoding a photograph takes longer than a step of a small model.
  mutable std::mutex mutex_;
  mutable std::unordered_map<const OwnPicture*, Picture> cut_;
  mutable std::size_t cut_bytes_ = 0;
};

/// As the picture's file has it, turned where it is to be. @throws Error kCorrupt, kNotFound.
Image load_own_image(const OwnPicture& picture);

}  // namespace moonbeam::train

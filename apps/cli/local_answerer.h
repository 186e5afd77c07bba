// A model of this process as an Answerer; the last picture stays encoded for the next question about it.
#pragma once

#include <moonbeam/model.h>

#include <optional>
#include <string>

#include "cli/answerer.h"

namespace moonbeam::cli {

class LocalAnswerer : public Answerer {
 public:
  explicit LocalAnswerer(Model model) : model_(std::move(model)) {}
  Abilities abilities() override;
  Answer ask(const std::string& picture, const Ask& ask) override;

 private:
  const EncodedImage& encode(const std::string& picture, const Ask& ask);
  Model model_;
  std::string last_;  ///< bytes of the picture that is encoded
  bool last_turned_ = true;
  std::optional<EncodedImage> encoded_;
};

}  // namespace moonbeam::cli

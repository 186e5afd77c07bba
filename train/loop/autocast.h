// bf16 products in f32 code: torch's autocast for the device, while it lives.
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

namespace moonbeam::train {

class Autocast {
 public:
  Autocast(torch::DeviceType device, bool enabled)
      : device_(device), was_enabled_(at::autocast::is_autocast_enabled(device)) {
    at::autocast::set_autocast_enabled(device_, enabled);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  }
  ~Autocast() {
    at::autocast::clear_cache();  // cast weights must not outlive the step that changes them
    at::autocast::set_autocast_enabled(device_, was_enabled_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool was_enabled_;
};

}  // namespace moonbeam::train

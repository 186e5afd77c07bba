// A camera of the server's machine through Video4Linux: as JPEGs where it gives them, else as YUYV.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <moonbeam/image.h>
#include "live/source/source.h"

namespace moonbeam::live {

class CameraSource final : public FrameSource {
 public:
  explicit CameraSource(std::string device) : device_(std::move(device)) {}
  ~CameraSource() override { close(); }

  std::string name() const override { return "camera " + device_; }
  void open() override;
  std::string next(const std::function<bool()>& carry_on) override;
  void close() noexcept override;

 private:
  struct Mapping {
    void* begin = nullptr;
    std::size_t bytes = 0;
  };
  void choose_format();
  void map_buffers();
  std::string take(std::uint32_t index, std::size_t bytes);

  const std::string device_;
  int fd_ = -1;
  bool jpeg_ = false;
  int width_ = 0, height_ = 0, stride_ = 0;
  std::vector<Mapping> buffers_;
};

/// Pairs of pixels as Y U Y V, BT.601, limited range, to RGB. `stride`: bytes from row to row.
/// @throws Error kCorrupt where there are too few bytes.
Image yuyv_to_rgb(std::span<const std::uint8_t> bytes, int height, int width, int stride);

}  // namespace moonbeam::live

// A folder of pictures, each shown for some time, in the order of their names, from the start again.
#pragma once

#include <chrono>
#include <filesystem>
#include <vector>

#include "live/source/source.h"

namespace moonbeam::live {

class FolderSource final : public FrameSource {
 public:
  explicit FolderSource(std::filesystem::path folder,
                        std::chrono::milliseconds each = std::chrono::milliseconds{2000})
      : folder_(std::move(folder)), each_(each) {}

  std::string name() const override { return "folder " + folder_.filename().string(); }
  void open() override;
  std::string next(const std::function<bool()>& carry_on) override;
  void close() noexcept override {}

 private:
  const std::filesystem::path folder_;
  const std::chrono::milliseconds each_;
  std::vector<std::filesystem::path> files_;
  std::size_t at_ = 0;
  std::chrono::steady_clock::time_point due_ = {};
};

}  // namespace moonbeam::live

#include <filesystem>

#include "base/error.h"
#include "live/source/camera.h"
#include "live/source/folder.h"
#include "live/source/source.h"
#include "live/source/video.h"

namespace moonbeam::live {

std::unique_ptr<FrameSource> make_source(const std::string& what) {
  static constexpr std::string_view kCamera = "camera:";
  if (what.starts_with(kCamera)) return std::make_unique<CameraSource>(what.substr(kCamera.size()));
  std::error_code error;
  const auto status = std::filesystem::status(what, error);
  if (std::filesystem::is_directory(status)) return std::make_unique<FolderSource>(what);
  if (std::filesystem::is_regular_file(status)) return std::make_unique<VideoSource>(what);
  if (std::filesystem::is_character_file(status)) return std::make_unique<CameraSource>(what);
  base::fail(ErrorCode::kNotFound, what, ": expected camera:DEVICE, a folder of pictures or a video");
}

}  // namespace moonbeam::live

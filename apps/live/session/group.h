// Those who look at the server's source and ask the same: one inference for all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "live/session/viewer.h"

namespace moonbeam::live {

class Group : public Channel {
 public:
  explicit Group(const Task& task) : Channel("live source") { (void)stream.set_task(task, 0); }

  /// The newcomer hears at once what the others know already.
  void join(const std::shared_ptr<Viewer>& viewer);
  void leave(const Viewer& viewer);
  bool has(const Viewer& viewer) const noexcept;
  bool empty() const noexcept { return viewers_.empty(); }
  const Task& task() const { return *stream.task(); }

  void waiting(const Frame&) override {}
  void started(const Frame& frame) override;
  void token(const Frame& frame, std::string_view text) override;
  void answered(const Frame& frame, const Answer& answer) override;
  void dropped(const Frame& frame, Drop why, const std::string& message) override;
  void failed(const Frame& frame, const std::string& code, const std::string& message) override;

 private:
  static void show(Viewer& viewer, const Frame& frame);

  std::vector<std::shared_ptr<Viewer>> viewers_;
  struct Last {
    Frame frame;
    Answer answer;
  };
  std::optional<Last> last_;
};

}  // namespace moonbeam::live

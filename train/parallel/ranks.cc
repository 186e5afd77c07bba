#include "train/parallel/ranks.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "train/parallel/meeting.h"
// Last: it asks for Gloo's own headers, which names/ stands for.
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace moonbeam::train {

using torch::Tensor;

namespace {

std::string message_of(const std::exception& error) {
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error))
    return base::printable(torch_error->what_without_backtrace());
  return base::printable(error.what());
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> connect(const Launch& launch, Meeting& meeting, double timeout) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto options =
      Gloo::Options::create(std::chrono::milliseconds(static_cast<std::int64_t>(1000 * timeout)));
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  const std::string address = meeting.own_address();
  options->devices.push_back(interface != nullptr && *interface != '\0'
                                 ? Gloo::createDeviceForInterface(interface)
                                 : Gloo::createDeviceForHostname(address));
  return c10::make_intrusive<Gloo>(meeting.store(), launch.rank, launch.size, options);
}

}  // namespace

struct Ranks::Group {
  Group(const Launch& launch, double timeout) : meeting(std::make_shared<Meeting>(launch, timeout)) {
    guarded([&] { gloo = connect(launch, *meeting, timeout); });
  }

  /// Runs `call`; what it throws becomes the error that names a rank.
  template <typename Call>
  void guarded(Call call) {
    try {
      meeting->go();
      call();
    } catch (const std::exception& error) {
      gloo.reset();  // so that ranks that wait for this one wake up
      const std::string reason = meeting->why(message_of(error));
      end();
      base::fail(ErrorCode::kNotFound, reason);
    }
  }

  void end() {
    ended = true;
    gloo.reset();
    meeting->let_others_read();
  }

  void sum(Tensor values) {
    std::vector<Tensor> list = {std::move(values)};
    guarded([&] { gloo->allreduce(list)->wait(); });
  }
  void from_first(Tensor values) {
    std::vector<Tensor> list = {std::move(values)};
    guarded([&] { gloo->broadcast(list)->wait(); });
  }

  std::shared_ptr<Meeting> meeting;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  bool ended = false;
};

Ranks::Ranks() = default;
Ranks::Ranks(const Launch& launch, double timeout) : launch_(launch) {
  // What goes wrong comes as an error that says more; c10d would print every try with its stack before.
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 4;
  if (!alone()) group_ = std::make_unique<Group>(launch, timeout);
}
Ranks::~Ranks() = default;

void Ranks::sum(const Tensor& values) {
  if (group_) group_->sum(values.detach());
}

void Ranks::sum(std::vector<double>& values) {
  if (!group_ || values.empty()) return;
  group_->sum(torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, torch::kDouble));
}

bool Ranks::any(bool mine) {
  std::vector<double> count = {mine ? 1.0 : 0.0};
  sum(count);
  return count[0] > 0;
}

void Ranks::from_first(const Tensor& values) {
  if (group_ && values.numel() > 0) group_->from_first(values.detach());
}

void Ranks::from_first(double& value) {
  if (group_) group_->from_first(torch::from_blob(&value, {1}, torch::kDouble));
}

void Ranks::from_first(std::string& text) {
  if (!group_) return;
  auto length = static_cast<std::int64_t>(text.size());
  group_->from_first(torch::from_blob(&length, {1}, torch::kLong));
  text.resize(static_cast<std::size_t>(length));
  if (length > 0) group_->from_first(torch::from_blob(text.data(), {length}, torch::kByte));
}

void Ranks::wait_for_all() {
  any(false);
}

void Ranks::leave(const std::string& why) noexcept {
  if (!group_ || group_->ended) return;
  try {
    group_->meeting->say_why(base::cat(group_->meeting->name(rank()), " has ended: ", base::printable(why)));
    group_->end();
  } catch (const std::exception&) {
    // The others will find out by themselves.
  }
}

}  // namespace moonbeam::train

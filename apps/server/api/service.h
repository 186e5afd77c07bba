// What every route of the API stands on: the model, its scheduler and the server's choices.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/model.h>
#include <moonbeam/scheduler.h>

#include "server/api/picture.h"

namespace moonbeam::server {

/// What becomes of several pictures in one turn of a conversation.
enum class MultiImage {
  kLast,    ///< the last is asked about
  kTile,    ///< all are, as one contact sheet
  kReject,  ///< 400
};

struct ServiceOptions {
  // Where a request names none: the makers' defaults.
  double temperature = 0.5;
  double top_p = 0.3;
  int max_tokens = 768;
  int max_objects = 50;

  /// Answer requests for any model or adapter with the one that is loaded, with a warning where it was an
  /// adapter; else 404 model_not_found.
  bool any_model = true;
  std::vector<std::string> aliases = {};  ///< further names of the model
  PictureLimits pictures = {};
  MultiImage multi_image = MultiImage::kLast;
  double timeout_seconds = 300;  ///< what /v1/stats tells; deadlines come with the requests
};

/// Built before the model is there, since the server answers while it loads; open() makes it whole, before
/// the first request about the model is let in.
class Service {
 public:
  explicit Service(ServiceOptions options = {});

  void open(Model model, const SchedulerOptions& scheduler = {});
  bool is_open() const noexcept { return scheduler_ != nullptr; }

  // Only once it is open.
  const Model& model() const noexcept { return *model_; }
  Scheduler& scheduler() noexcept { return *scheduler_; }
  const SchedulerOptions& scheduler_options() const noexcept { return scheduler_options_; }

  const ServiceOptions& options() const noexcept { return options_; }
  double uptime_seconds() const noexcept;
  std::int64_t created() const noexcept { return created_; }  ///< seconds since 1970

 private:
  ServiceOptions options_;
  SchedulerOptions scheduler_options_ = {};
  std::optional<Model> model_;
  std::unique_ptr<Scheduler> scheduler_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::int64_t created_;
};

/// Whether `asked` names the loaded model: its id, an alias, its variant or the variant's family
/// ("moondream2" of "moondream2-2025-06-21").
bool is_model(const Service& service, std::string_view asked);

/// Checks `model` ("name", "name/adapter", "name/adapter@step") and `variant` (an adapter) of a request;
/// empty ones are absent.
/// @return what the answer's `warnings` are to say.
/// @throws Refusal 404 model_not_found, unless any model will do.
std::vector<std::string> match_model(const Service& service, std::optional<std::string_view> model,
                                     std::optional<std::string_view> variant);

}  // namespace moonbeam::server

#include "server/api/service.h"

#include <algorithm>
#include <utility>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

// "moondream2" of "moondream2-2025-06-21": what stands before a date.
std::string_view family(std::string_view variant) {
  for (std::size_t i = 0; i + 5 <= variant.size(); ++i) {
    if (variant.substr(i, 3) == "-20" &&
        variant.substr(i + 3, 2).find_first_not_of("0123456789") == std::string_view::npos)
      return variant.substr(0, i);
  }
  return variant;
}

// "name" of "folder/name.safetensors"
std::string_view stem(std::string_view path) {
  path = path.substr(path.find_last_of('/') + 1);
  return path.substr(0, path.find_last_of('.'));
}

bool is_adapter(const Service& service, std::string_view asked) {
  const std::string& loaded = service.model().info().adapter;
  return !loaded.empty() && stem(loaded) == asked.substr(0, asked.find('@'));
}

}  // namespace

Service::Service(ServiceOptions options)
    : options_(std::move(options)),
      created_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()) {}

void Service::open(Model model, const SchedulerOptions& scheduler) {
  model_ = std::move(model);
  scheduler_options_ = scheduler;
  scheduler_ = std::make_unique<Scheduler>(*model_, scheduler);
}

double Service::uptime_seconds() const noexcept {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

bool is_model(const Service& service, std::string_view asked) {
  const ModelInfo& info = service.model().info();
  const auto& aliases = service.options().aliases;
  return asked == info.name || asked == info.variant || asked == family(info.variant) ||
         std::find(aliases.begin(), aliases.end(), asked) != aliases.end();
}

std::vector<std::string> match_model(const Service& service, std::optional<std::string_view> model,
                                     std::optional<std::string_view> variant) {
  std::string_view name = model.value_or(""), adapter = variant.value_or("");
  const char* field = adapter.empty() ? "model" : "variant";
  // A name may hold a slash itself, as those of published models do.
  if (const std::size_t slash = name.find('/'); slash != std::string_view::npos && !is_model(service, name)) {
    adapter = name.substr(slash + 1);
    name = name.substr(0, slash);
    field = "model";
  }
  const bool known = name.empty() || is_model(service, name);
  const bool adapted = adapter.empty() || is_adapter(service, adapter);
  if (known && adapted) return {};
  const std::string what = known ? "adapter" : "model", wanted = printable(known ? adapter : name, 64);
  const std::string& loaded = service.model().info().name;
  if (!service.options().any_model)
    throw Refusal(404, "model_not_found", what + " '" + wanted + "' is not loaded; '" + loaded + "' is",
                  known ? field : "model");
  if (!known) return {};
  return {"adapter '" + wanted + "' is not loaded; '" + loaded + "' answered without it"};
}

}  // namespace moonbeam::server

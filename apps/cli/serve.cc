// moonbeam serve and live: options become the server's, the model its backend. The life of it is
// server/operation.
#include "server/operation/serve.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "cli/errors.h"
#include "cli/live.h"
#include "cli/serve_args.h"
#include "cli/session.h"
#include "cli/tls.h"
#include "cli/tools.h"
#include "cli/web_pictures.h"
#include "server/api/native.h"
#include "server/api/ollama/routes.h"
#include "server/api/openai/chat_completions.h"
#include "server/api/service.h"

namespace moonbeam::cli {

namespace {

// Of a WebSocket's message: the live page's frames have 2 MiB at most, and are told so where they are longer.
constexpr std::size_t kMessage = std::size_t{4} << 20;

/// The model, its scheduler and the routes about them.
class ModelBackend final : public server::Backend {
 public:
  explicit ModelBackend(const Options& options)
      : options_(options), service_(service_options(options)), page_(page_options(options.serve)) {}

  void add_routes(server::Router& router) override {
    server::add_native_routes(router, service_);
    server::add_openai_routes(router, service_);
    server::add_ollama_routes(router, service_);
    page_.add_routes(router);
  }

  void open(const std::function<bool()>& carry_on) override {
    LoadOptions load = load_options(options_.model);
    load.progress = [&](const Progress&) { return carry_on(); };
    const std::string name = options_.model.model.empty() ? default_model() : options_.model.model;
    Model model = with_known(name, [&] { return Model::load(name, load); });
    if (!options_.output.quiet) {
      say_warnings(model.info());
      complain("note: serving the model " + model_words(model.info()));
    }
    SchedulerOptions scheduler;
    scheduler.parallel = options_.serve.parallel;
    scheduler.max_queue = options_.serve.max_queue;
    scheduler.image_cache = parse_bytes("--image-cache", options_.serve.image_cache);
    service_.open(std::move(model), scheduler);
    page_.open(service_.scheduler(), service_.model().info());
  }

  void drain() override { page_.stop(); }
  void stop() override { service_.scheduler().stop(); }
  SchedulerStats stats() const override { return service_.scheduler().stats(); }
  ModelInfo model() const override { return service_.model().info(); }
  void write_metrics(std::string& text) const override { page_.write_metrics(text); }
  bool has_room() const override { return stats().queued < std::max(options_.serve.max_queue, 1); }
  int retry_after_s() const override {
    const SchedulerStats now = stats();
    const double rounds = std::ceil(static_cast<double>(now.queued + 1) / options_.serve.parallel);
    return static_cast<int>(std::clamp(std::ceil(rounds * now.mean_service_ms / 1000), 1.0, 600.0));
  }

 private:
  static server::ServiceOptions service_options(const Options& options) {
    server::ServiceOptions service;
    service.any_model = !options.serve.no_any_model;
    service.aliases = parts_of(options.serve.aliases);
    service.pictures.max_pixels = options.serve.max_pixels;
    if (options.serve.multi_image == "tile") service.multi_image = server::MultiImage::kTile;
    if (options.serve.multi_image == "reject") service.multi_image = server::MultiImage::kReject;
    service.pictures.turn_uploads = !options.serve.no_exif;
    service.pictures.fetch = web_pictures(options.serve);
    service.timeout_seconds =
        static_cast<double>(parse_duration_ms("--timeout", options.serve.timeout)) / 1000;
    return service;
  }

  const Options& options_;
  mutable server::Service service_;
  live::Page page_;  // its sessions end before the scheduler
};

std::vector<std::string> addresses_of(const ServeArgs& args) {
  std::vector<std::string> listen = parts_of(args.listen);
  if (listen.empty() && !args.host.empty()) {
    const bool six = args.host.find(':') != std::string::npos && !args.host.starts_with('[');
    listen.push_back((six ? "[" + args.host + "]" : args.host) + ":" + std::to_string(args.port));
  }
  return listen;
}

server::ServerOptions server_options(const ServeArgs& args) {
  server::ServerOptions options;
  options.listen = addresses_of(args);
  options.port = static_cast<std::uint16_t>(args.port);
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  options.workers = args.workers > 0 ? args.workers : std::max(2, cores);
  if (args.url_images) options.workers += kWebPictures;  // who waits for another server holds nobody up
  options.in_work = static_cast<std::size_t>(args.parallel + args.max_queue);
  options.timeout = std::chrono::milliseconds(parse_duration_ms("--timeout", args.timeout));
  options.limits.parse.body = parse_bytes("--max-body", args.max_body);
  options.limits.message = std::min(options.limits.parse.body, kMessage);
  options.limits.connections = static_cast<std::size_t>(args.max_connections);
  options.limits.per_address = static_cast<std::size_t>(args.per_address);
  options.guard.allowed_hosts = parts_of(args.allowed_hosts);
  options.guard.cors_origins = parts_of(args.cors_origins);
  options.guard.rate = args.rate;
  options.keys = keys_of(args);
  return options;
}

}  // namespace

int run_serve(const Options& options) {
  const ServeArgs& args = options.serve;
  server::ServeOptions serve;
  serve.server = server_options(args);
  serve.log = {.path = args.log_file, .anonymous = args.log_anon};
  serve.log_requests = !args.no_log;
  serve.key_file = args.key_file;
  serve.tls = tls_of(args, options.output.quiet);
  serve.no_auth = args.no_auth;
  serve.metrics_open = args.metrics_open;
  serve.port_file = args.port_file;
  serve.grace = std::chrono::milliseconds(parse_duration_ms("--grace", args.grace));
  if (!options.output.quiet) serve.say = [](const std::string& what) { complain("note: " + what); };
  if (options.verb == "live") {
    serve.on_listening = [&, tls = serve.tls != nullptr](const std::vector<server::Listener>& listeners) {
      show_page(page_places(listeners, tls), tls, args.open, options.output.quiet);
    };
  }
  ModelBackend backend(options);
  return server::serve(std::move(serve), backend);
}

}  // namespace moonbeam::cli

// A server of the tests, with the routes and the starter model.
#pragma once

#include <moonbeam/model.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "server/api/native.h"
#include "server/api/ollama/routes.h"
#include "server/api/openai/chat_completions.h"
#include "server/http/server.h"

namespace moonbeam::server::testing {

inline const std::string kTests = std::string(MOONBEAM_SOURCE_DIR) + "/tests/";

/// The starter as if it had been trained to think before it answers: its shape is what clients need, not its
/// thoughts.
inline Model thinking_starter() {
  namespace fs = std::filesystem;
  const fs::path from = kTests + "data/starter", folder = fs::path(::testing::TempDir()) / "thinking";
  fs::create_directories(folder);
  for (const char* name : {"model.safetensors", "tokenizer.json"})
    fs::copy_file(from / name, folder / name, fs::copy_options::overwrite_existing);
  auto config = nlohmann::json::parse(std::ifstream(from / "config.json"));
  config["tokenizer"]["reasoning"] = true;
  std::ofstream(folder / "config.json") << config;
  return Model::load(folder.string(), {.mode = Mode::kF32, .threads = 2});
}

class RunningServer {
 public:
  explicit RunningServer(const Model& model, ServiceOptions service = {}, ServerOptions options = {})
      : service_(std::move(service)) {
    service_.open(model);
    Router router;
    add_native_routes(router, service_);
    add_openai_routes(router, service_);
    add_ollama_routes(router, service_);
    options.listen = {"127.0.0.1:0"};
    options.inherit = false;
    server_.emplace(std::move(options));
    server_->start(std::move(router));
  }
  ~RunningServer() { server_.reset(); }

  std::uint16_t port() const { return server_->listeners()[0].port; }
  Service& service() { return service_; }

 private:
  Service service_;
  std::optional<Server> server_;
};

}  // namespace moonbeam::server::testing

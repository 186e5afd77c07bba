#include "cli/pull/fake_hub.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>
#include <span>

#include "base/sha256.h"

namespace moonbeam::pull::testing {

namespace {

std::string sha256_of(const std::string& bytes) {
  return base::sha256_hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::string git_name_of(const std::string& bytes) {
  const std::string blob = "blob " + std::to_string(bytes.size()) + '\0' + bytes;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(blob.data(), blob.size(), digest, &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

}  // namespace

FakeHub::FakeHub()
    : server_([this](const net::testing::Received& request, net::testing::Connection& connection) {
        answer(request, connection);
      }) {}

void FakeHub::put(const std::string& repository, const std::string& file, const std::string& bytes,
                  bool lfs) {
  const std::lock_guard lock(mutex_);
  repositories_[repository][file] = {bytes, lfs};
}

void FakeHub::misbehave(const std::string& file, Handler handler) {
  const std::lock_guard lock(mutex_);
  handlers_[file] = std::move(handler);
}

void FakeHub::set_listing(const std::string& repository, const std::string& text) {
  const std::lock_guard lock(mutex_);
  listings_[repository] = text;
}

std::vector<net::testing::Received> FakeHub::requests(const std::string& file) const {
  std::vector<net::testing::Received> found;
  for (net::testing::Received& request : server_.requests()) {
    if (request.path().ends_with("/" + file)) found.push_back(std::move(request));
  }
  return found;
}

std::string FakeHub::listing(const std::string& repository) const {
  if (const auto own = listings_.find(repository); own != listings_.end()) return own->second;
  nlohmann::json json = {{"id", repository},
                         {"sha", commit()},
                         {"cardData", {{"license", "apache-2.0"}}},
                         {"siblings", nlohmann::json::array()}};
  for (const auto& [name, file] : repositories_.at(repository)) {
    nlohmann::json one = {
        {"rfilename", name}, {"size", file.bytes.size()}, {"blobId", git_name_of(file.bytes)}};
    if (file.lfs) one["lfs"] = {{"sha256", sha256_of(file.bytes)}, {"size", file.bytes.size()}};
    json["siblings"].push_back(std::move(one));
  }
  return json.dump();
}

void FakeHub::answer(const net::testing::Received& request, net::testing::Connection& connection) {
  std::unique_lock lock(mutex_);
  const std::string path = request.path(), name = path.substr(path.rfind('/') + 1);
  constexpr std::string_view kApi = "/api/models/";
  if (path.starts_with(kApi)) {
    const std::string repository = path.substr(kApi.size(), path.find("/revision/") - kApi.size());
    if (!repositories_.contains(repository)) return void(connection.answer(404, "{}"));
    return void(connection.answer(200, listing(repository)));
  }
  if (const auto handler = handlers_.find(name); handler != handlers_.end() && handler->second) {
    const Handler own = handler->second;
    lock.unlock();
    return own(request, connection);
  }
  const std::string repository = path.substr(1, path.find("/resolve/") - 1);
  const auto found = repositories_.find(repository);
  if (found == repositories_.end() || !found->second.contains(name)) return void(connection.answer(404, ""));
  const std::string bytes = found->second.at(name).bytes;
  lock.unlock();
  net::testing::serve_bytes(request, connection, bytes, "\"" + sha256_of(bytes).substr(0, 16) + "\"");
}

}  // namespace moonbeam::pull::testing

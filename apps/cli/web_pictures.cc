#include "cli/web_pictures.h"

#include <memory>
#include <semaphore>

#include "cli/serve_args.h"
#include "net/fetch.h"
#include "net/http.h"
#include "server/http/refusal.h"

namespace moonbeam::cli {

namespace {

struct Fetcher {
  net::FetchOptions options;
  std::counting_semaphore<kWebPictures> free{kWebPictures};
};

/// A place among those that wait, for as long as it lives.
class Place {
 public:
  explicit Place(Fetcher& fetcher) : fetcher_(fetcher) {
    if (!fetcher_.free.try_acquire())
      throw server::Refusal(429, "queue_full", "too many pictures are being fetched already");
  }
  ~Place() { fetcher_.free.release(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Fetcher& fetcher_;
};

}  // namespace

std::function<std::string(std::string_view, const std::string&)> web_pictures(const ServeArgs& args) {
  if (!args.url_images) return {};
  const auto fetcher = std::make_shared<Fetcher>();
  fetcher->options.http = args.http_images;
  fetcher->options.hosts = parts_of(args.url_allow);
  return [fetcher](std::string_view url, const std::string& field) {
    const Place place(*fetcher);
    try {
      return net::fetch(std::string(url), fetcher->options);
    } catch (const net::FetchRefused& error) {
      throw server::Refusal(400, "url_not_allowed", field + ": " + error.what(), field);
    } catch (const net::NetworkError& error) {
      throw server::Refusal(400, "image_fetch_failed", field + ": " + error.what(), field);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kExhausted) throw;
      throw server::Refusal(413, "image_too_large", field + ": " + error.what(), field);
    }
  };
}

}  // namespace moonbeam::cli

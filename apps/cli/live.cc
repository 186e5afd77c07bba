#include "cli/live.h"

#include <algorithm>
#include <cstdlib>

#include "cli/browser.h"
#include "cli/errors.h"
#include "cli/serve_args.h"
#include "live/source/source.h"

namespace moonbeam::cli {

namespace {

/// Browsers show the key with a session's greeting, past the transport's own check. The file may have
/// changed since the start.
bool is_key(const ServeArgs& args, std::string_view secret) {
  std::vector<server::Key> keys = keys_of(args);
  try {
    if (!args.key_file.empty()) {
      for (server::Key& key : server::read_key_file(args.key_file)) keys.push_back(std::move(key));
    }
  } catch (const Error&) {
    // Half written, or gone: its keys open nothing until it is back.
  }
  const std::string digest = server::make_key("", secret).digest;
  return std::any_of(keys.begin(), keys.end(), [&](const server::Key& key) { return key.digest == digest; });
}

}  // namespace

std::vector<server::Key> keys_of(const ServeArgs& args) {
  std::vector<server::Key> keys;
  for (const std::string& secret : parts_of(args.keys))
    keys.push_back(server::make_key("key" + std::to_string(keys.size() + 1), secret));
  return keys;
}

live::PageOptions page_options(const ServeArgs& args) {
  live::PageOptions page;
  page.max_pixels = args.max_pixels;
  page.timeout = std::chrono::milliseconds(parse_duration_ms("--timeout", args.timeout));
  if (!args.source.empty()) page.source = live::make_source(args.source);
  const bool keys = !args.keys.empty() || !args.key_file.empty();
  if (keys) page.admits = [&args](std::string_view key) { return is_key(args, key); };
  // Tests only: a slow engine.
  if (const char* delay = std::getenv("MOONBEAM_TEST_LIVE_DELAY_MS"))
    page.delay = std::chrono::milliseconds(std::atoi(delay));
  return page;
}

void show_page(const PagePlaces& places, bool tls, bool open, bool quiet) {
  if (!quiet) {
    complain("note: the live page is at " + places.here);
    std::string others;
    for (const std::string& url : places.elsewhere) others += (others.empty() ? "" : " or ") + url;
    if (!others.empty()) complain("note: on a phone or another machine open " + others);
    if (!others.empty() && !tls)
      complain("note: browsers there give the camera to https alone: --tls-self-signed makes it that");
    if (others.empty() && tls) complain("note: only this machine reaches it; --host 0.0.0.0 lets a phone in");
  }
  if (open && !open_browser(places.here)) complain("note: no browser could be started; open " + places.here);
}

}  // namespace moonbeam::cli

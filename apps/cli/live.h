// What `serve` and `live` make of their options for the live page.
#pragma once

#include "cli/options.h"
#include "cli/tls.h"
#include "live/page/page.h"
#include "server/http/guard.h"

namespace moonbeam::cli {

/// Keys of the command line and the environment, not those of a file.
std::vector<server::Key> keys_of(const ServeArgs& args);

/// `args` has to outlive the page.
live::PageOptions page_options(const ServeArgs& args);

/// Says where the page is, and shows it if that was asked for.
void show_page(const PagePlaces& places, bool tls, bool open, bool quiet);

}  // namespace moonbeam::cli

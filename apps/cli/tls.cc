#include "cli/tls.h"

#include <arpa/inet.h>
#include <moonbeam/error.h>

#include <algorithm>

#include "cli/errors.h"
#include "cli/serve_args.h"
#include "server/tls/names.h"
#include "server/tls/self_signed.h"

namespace moonbeam::cli {

namespace {

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

/// The machine's, and what the user says that clients call it by.
server::MachineNames names_for(const ServeArgs& args) {
  server::MachineNames names = server::machine_names();
  for (const std::string& name : parts_of(args.allowed_hosts)) {
    const bool plain = name.find_first_of("*:/") == std::string::npos;
    if (is_address(name)) {
      names.addresses.push_back(name);
    } else if (plain) {
      names.hosts.push_back(name);
    }
  }
  return names;
}

bool is_wildcard(const server::Listener& listener) {
  return listener.address == "0.0.0.0" || listener.address == "::";
}

}  // namespace

std::function<std::shared_ptr<const server::Tls>()> tls_of(const ServeArgs& args, bool quiet) {
  const bool named = !args.tls_cert.empty() || !args.tls_key.empty();
  if (named && args.tls_self_signed) {
    throw Error(ErrorCode::kInvalidArgument,
                "--tls-self-signed makes a certificate: expected it without --tls-cert and --tls-key");
  }
  if (named && (args.tls_cert.empty() || args.tls_key.empty())) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(args.tls_key.empty() ? "--tls-cert: expected --tls-key KEY.pem"
                                                 : "--tls-key: expected --tls-cert CERTIFICATE.pem") +
                    " with it; --tls-self-signed makes both");
  }
  if (named) {
    return [&args] { return server::Tls::read({.certificate = args.tls_cert, .key = args.tls_key}); };
  }
  if (!args.tls_self_signed) return {};
  return [&args, quiet] {
    const std::string file = server::self_signed_file();
    if (server::keep_self_signed(file, names_for(args)) && !quiet)
      complain("note: made a certificate for this machine's names; it is kept in " + file);
    return server::Tls::read({.certificate = file, .key = file});
  };
}

PagePlaces page_places(const std::vector<server::Listener>& listeners, bool tls) {
  const std::string scheme = tls ? "https" : "http";
  PagePlaces places;
  const auto url = [&](const std::string& host, std::uint16_t port) {
    return scheme + "://" +
           (is_address(host) && host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" +
           std::to_string(port) + "/";
  };
  const server::MachineNames names = server::machine_names();
  for (const server::Listener& one : listeners) {
    const std::string here = is_wildcard(one) ? url("localhost", one.port) : one.url(scheme) + "/";
    if (places.here.empty()) places.here = here;
    std::vector<std::string> others;
    if (is_wildcard(one)) {
      if (!names.main_address.empty()) others.push_back(url(names.main_address, one.port));
      if (!names.hosts.empty()) others.push_back(url(names.hosts.back(), one.port));
    } else if (!one.loopback) {
      others.push_back(here);
    }
    for (const std::string& other : others) {
      if (std::find(places.elsewhere.begin(), places.elsewhere.end(), other) == places.elsewhere.end())
        places.elsewhere.push_back(other);
    }
  }
  return places;
}

}  // namespace moonbeam::cli

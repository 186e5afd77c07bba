// The grammar of `moonbeam serve`. Each option is a setting too: MOONBEAM_<OPTION>, or a key below [serve].
#include "cli/serve_args.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>

#include "cli/errors.h"
#include "cli/grammar/validators.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

/// Adds options of one group and keeps their names.
class Group {
 public:
  Group(CLI::App& verb, const char* name) : verb_(verb), name_(name) {}

  template <typename T>
  CLI::Option* value(const char* names, T& field, const char* argument, const char* help) {
    return verb_.add_option(names, field, help)
        ->option_text(argument)
        ->group(name_)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::Option* list(const char* names, std::vector<std::string>& field, const char* argument,
                    const char* help) {
    return verb_.add_option(names, field, help)
        ->option_text(argument)
        ->group(name_)
        ->take_all()
        ->allow_extra_args(false);
  }
  void flag(const char* names, bool& field, const char* help) {
    verb_.add_flag(names, field, help)->group(name_);
  }

 private:
  CLI::App& verb_;
  const char* name_;
};

/// Kubernetes sets MOONBEAM_PORT=tcp://... where a Service is called moonbeam: that is not ours.
CLI::Validator port() {
  return CLI::Validator(
      [](std::string& text) {
        if (text.starts_with("tcp://")) text = "2020";
        return whole(0, 65535)(text);
      },
      "");
}

template <typename Parse>
CLI::Validator parsed_by(const char* option, Parse parse) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        try {
          parse(option, text);
          return {};
        } catch (const Error& error) {
          const std::string what = error.what();
          return what.substr(what.find(": ") + 2);
        }
      },
      "");
}

void add_access(CLI::App& verb, ServeArgs& o) {
  Group address(verb, "Address");
  address.value("--host", o.host, "ADDRESS", "Listen here; 0.0.0.0 and :: let others in, which needs a key");
  address.value("--port", o.port, "N", "Port; 0 takes a free one")->default_str("2020")->check(port());
  address.list("--listen", o.listen, "ADDRESS:PORT", "Listen here instead of --host and --port (repeatable)");
  address.value("--port-file", o.port_file, "FILE", "Write the port there once it is known");
  Group access(verb, "Access");
  access.value("--api-key-file", o.key_file, "FILE", "Keys, name:key or key a line; read again at SIGHUP");
  access.list("--api-key", o.keys, "KEY", "A key; others on this machine see it in the list of processes");
  access.flag("--no-auth", o.no_auth, "Let everybody in, also where others can reach the address");
  access.flag("--metrics-open", o.metrics_open, "/metrics without a key");
  access.list("--allowed-host", o.allowed_hosts, "NAME",
              "Name that clients may call this server by (repeatable)");
  access.list("--cors-origin", o.cors_origins, "URL|*", "Web pages of this origin may ask (repeatable)");
  access.value("--rate", o.rate, "X", "Requests a second of each client; 0 for any number")
      ->default_str("0")
      ->check(real_from_zero());
}

void add_tls(CLI::App& verb, ServeArgs& o) {
  Group tls(verb, "TLS");
  tls.value("--tls-cert", o.tls_cert, "FILE",
            "Speak https with this certificate, in PEM; read again at SIGHUP");
  tls.value("--tls-key", o.tls_key, "FILE", "Its key, in PEM, without a passphrase");
  tls.flag("--tls-self-signed", o.tls_self_signed,
           "Speak https with a certificate of our own for this machine's names, made once and kept");
}

void add_answers(CLI::App& verb, ServeArgs& o) {
  Group answers(verb, "Answers");
  answers.list("--alias", o.aliases, "NAME", "Another name of the model (repeatable)");
  answers.flag("--no-any-model", o.no_any_model, "404 for requests that name another model or adapter");
  answers
      .value("--multi-image", o.multi_image, "last|tile|reject",
             "Several pictures in a turn of a chat: the last, one sheet of all, or an error")
      ->default_str("last")
      ->check(CLI::IsMember({"last", "tile", "reject"}));
  answers.flag("--allow-url-images", o.url_images,
               "Fetch pictures whose https address is given instead of them");
  answers.list("--url-allow", o.url_allow, "HOST",
               "Fetch them from this host alone; * stands for anything (repeatable)");
  answers.flag("--allow-http-images", o.http_images, "Fetch them over http too");
  answers.flag("--no-exif", o.no_exif, "Take uploads as they lie; pictures in image_url always are");
}

void add_limits(CLI::App& verb, ServeArgs& o) {
  Group limits(verb, "Limits");
  limits.value("--max-body", o.max_body, "BYTES", "Largest request")
      ->default_str("20M")
      ->check(parsed_by("--max-body", parse_bytes));
  limits.value("--max-pixels", o.max_pixels, "N", "Largest picture, width times height")
      ->default_str("50000000")
      ->check(whole(1, 1'000'000'000));
  limits.value("--timeout", o.timeout, "TIME", "Of a request, its wait included")
      ->default_str("300s")
      ->check(parsed_by("--timeout", parse_duration_ms));
  limits.value("--max-queue", o.max_queue, "N", "Requests that wait; more are refused")
      ->default_str("10")
      ->check(whole(0, 100'000));
  limits.value("--parallel", o.parallel, "N", "Requests in work at once")
      ->default_str("8")
      ->check(whole(1, 16));
  limits.value("--image-cache", o.image_cache, "BYTES", "Memory for encoded pictures")
      ->default_str("512M")
      ->check(parsed_by("--image-cache", parse_bytes));
  limits
      .value("--workers", o.workers, "N",
             "Threads that read requests and pictures; 0 for one a core, at least 2")
      ->default_str("0")
      ->check(whole(0, 256));
  limits.value("--max-connections", o.max_connections, "N", "Open connections")
      ->default_str("4096")
      ->check(whole(1, 1'000'000));
  limits
      .value("--max-connections-per-address", o.per_address, "N",
             "Of one address; this machine's own are exempt")
      ->default_str("64")
      ->check(whole(1, 1'000'000));
}

void add_operation(CLI::App& verb, ServeArgs& o) {
  Group operation(verb, "Operation");
  operation.value("--grace,--drain", o.grace, "TIME", "For what is in work at SIGTERM")
      ->default_str("20s")
      ->check(parsed_by("--grace", parse_duration_ms));
  operation.value("--log-file", o.log_file, "FILE", "Write log lines there instead of standard error");
  operation.flag("--log-anon", o.log_anon, "Leave the last part of addresses out of the log");
  operation.flag("--no-log", o.no_log, "No line a request");
}

}  // namespace

void add_serve_options(CLI::App& verb, ServeArgs& args) {
  add_access(verb, args);
  add_tls(verb, args);
  add_answers(verb, args);
  add_limits(verb, args);
  add_operation(verb, args);
}

const std::vector<std::string>& serve_settings() {
  static const std::vector<std::string> names = {
      "host",      "port",         "listen",          "port-file",        "api-key-file",
      "api-key",   "no-auth",      "metrics-open",    "allowed-host",     "cors-origin",
      "rate",      "max-body",     "max-pixels",      "timeout",          "max-queue",
      "parallel",  "image-cache",  "workers",         "max-connections",  "max-connections-per-address",
      "tls-cert",  "tls-key",      "tls-self-signed", "allow-url-images", "allow-http-images",
      "url-allow", "grace",        "log-file",        "log-anon",         "no-log",
      "alias",     "no-any-model", "no-exif",         "multi-image"};
  return names;
}

std::size_t parse_bytes(const std::string& option, const std::string& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string unit(trim(text.substr(digits)));
  const std::optional<std::int64_t> count = parse_int(text.substr(0, digits));
  const std::size_t letter =
      unit.empty() ? 0 : std::string_view("KMG").find(static_cast<char>(unit[0] & ~32));
  const bool known = unit.empty() || (letter != std::string_view::npos &&
                                      (unit.size() == 1 || unit.substr(1) == "iB" || unit.substr(1) == "B"));
  if (!count || *count < 0 || !known || *count > (std::int64_t{1} << 33)) {
    throw Error(ErrorCode::kInvalidArgument,
                option + ": expected bytes, as 20M, got '" + printable(text) + "'");
  }
  const std::size_t shift = unit.empty() ? 0 : 10 * (letter + 1);
  return static_cast<std::size_t>(*count) << shift;
}

long parse_duration_ms(const std::string& option, const std::string& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::optional<double> count = parse_double(text.substr(0, end));
  const std::string unit = text.substr(end);
  const double scale = unit.empty() || unit == "s" ? 1000 : unit == "ms" ? 1 : unit == "m" ? 60'000 : 0;
  if (!count || *count < 0 || scale == 0 || *count * scale > 1e10)
    throw Error(ErrorCode::kInvalidArgument,
                option + ": expected seconds, as 20s, got '" + printable(text) + "'");
  return std::lround(*count * scale);
}

std::vector<std::string> parts_of(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    std::string part;
    for (const char c : value + ",") {
      if (c != ',' && c != ' ' && c != '\t') {
        part += c;
      } else if (!part.empty()) {
        parts.push_back(std::exchange(part, {}));
      }
    }
  }
  return parts;
}

}  // namespace moonbeam::cli

// moonbeam pull and moonbeam rm: what the user says and sees of downloads; the rest is in pull/.
#include "cli/pull/pull.h"

#include <moonbeam/weights.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/pull_status.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

/// Name that `pull` and -m take for a row of the table.
std::string row_name(const PublishedModel& row) {
  return row.folder == row.name ? row.name + "@" + row.revision : row.name + ":" + row.dtype;
}

std::string published_text(bool as_json) {
  const std::vector<pull::Pulled> here = pull::pulled_models(models_cache());
  std::string text;
  const auto add = [&](const std::string& name, const std::string& dtype, std::int64_t bytes, bool exact,
                       const std::string& licence, const std::string& path) {
    if (as_json) {
      Json json = {{"name", name}, {"dtype", dtype}, {"bytes", bytes > 0 ? Json(bytes) : Json(nullptr)}};
      json["licence"] = licence;
      json["path"] = path.empty() ? Json(nullptr) : Json(path);
      text += dump(json);
      return;
    }
    const std::string size = bytes <= 0 ? "?" : (exact ? "" : "~") + human_bytes(bytes);
    text += padded(name, 26) + padded(dtype, 6) + padded(size, 10) + padded(licence, 12) +
            (path.empty() ? "-" : printable(path)) + "\n";
  };
  for (const PublishedModel& row : published_models()) {
    const auto found = std::find_if(here.begin(), here.end(), [&](const pull::Pulled& one) {
      return one.manifest.name == row.folder && one.manifest.revision == row.revision;
    });
    const bool present = found != here.end();
    add(row_name(row), row.dtype, present ? found->manifest.bytes() : row.bytes, present, row.licence,
        present ? found->path : "");
  }
  for (const pull::Pulled& one : here) {
    const auto rows = published_models();
    const bool listed = std::any_of(rows.begin(), rows.end(), [&](const PublishedModel& row) {
      return one.manifest.name == row.folder && one.manifest.revision == row.revision;
    });
    if (!listed) {
      add(one.manifest.name + "@" + one.manifest.revision, "", one.manifest.bytes(), true,
          one.manifest.licence, one.path);
    }
  }
  return text;
}

std::string files_text(const pull::Manifest& manifest, bool as_json) {
  if (as_json) return dump(Json::parse(pull::manifest_text(manifest)));
  std::string text;
  for (const pull::FileEntry& file : manifest.files) {
    text += padded(file.path, 40) + padded(file.size >= 0 ? human_bytes(file.size) : "?", 10) +
            (file.sha256.empty() ? "-" : "sha256 " + file.sha256) + "\n";
  }
  return text + padded(manifest.name + "@" + manifest.revision, 40) +
         padded(human_bytes(manifest.bytes()), 10) +
         (manifest.licence.empty() ? "" : "licence " + printable(manifest.licence)) + "\n";
}

bool is_url(const std::string& text) {
  return text.find("://") != std::string::npos;
}

pull::Options pull_options(const Options& options) {
  const auto environment = [](const char* name) { return process_environment(name).value_or(""); };
  const PullArgs& args = options.pull;
  pull::Options out;
  out.target = pull::parse_target(args.model, args.revision, !args.from.empty());
  out.cache = models_cache();
  if (const std::string endpoint = environment("HF_ENDPOINT"); !endpoint.empty()) {
    net::parse_url(endpoint);
    out.endpoint = endpoint;
  }
  out.from = args.from;
  out.fetch.token = environment("HF_TOKEN");
  out.fetch.token_origin = out.endpoint;
  out.fetch.carry_on = carry_on;
  return out;
}

/// What a name alone does not tell the engine: releases of 2024 look alike.
std::string usage_of(const pull::Manifest& manifest) {
  const std::string name = manifest.name + "@" + manifest.revision;
  const bool unclear = manifest.name == "moondream2" && manifest.revision.starts_with("2024-");
  return "moonbeam caption -m " + name + (unclear ? " --variant moondream2-" + manifest.revision : "") +
         " IMAGE";
}

}  // namespace

int run_pull(const Options& options) {
  const PullArgs& args = options.pull;
  if (args.list && args.model.empty() && args.from.empty()) {
    StdoutSink().write(published_text(options.output.json));
    return kExitOk;
  }
  pull::Options pulling = pull_options(options);
  if (options.model.offline && (args.from.empty() || is_url(args.from))) {
    throw net::NetworkError("pull " + pulling.target.name() + ": --offline, so nothing is fetched");
  }
  PullStatus status(options.output.quiet, stderr_is_terminal());
  pulling.fetch.note = [&](const std::string& note) {
    status.clear();
    if (!options.output.quiet) complain("note: " + note);
  };
  if (args.list) {
    StdoutSink().write(files_text(pull::list_files(pulling), options.output.json));
    return kExitOk;
  }
  pulling.progress = [&](const pull::Progress& progress) {
    status.update({.file = progress.file,
                   .file_done = progress.file_done,
                   .file_size = progress.file_size,
                   .done = progress.done,
                   .size = progress.size});
  };
  const pull::Result result = pull::pull(pulling);
  status.clear();
  if (options.output.json) {
    StdoutSink().write(dump({{"name", result.manifest.name + "@" + result.manifest.revision},
                             {"path", result.path},
                             {"bytes", result.manifest.bytes()},
                             {"licence", result.manifest.licence},
                             {"was_there", result.was_there}}));
    return kExitOk;
  }
  if (!options.output.quiet) {
    StdoutSink().write(printable(result.path) + ": " + human_bytes(result.manifest.bytes()) +
                       (result.was_there ? ", was there already\n" : ", checked\n") + "  " +
                       usage_of(result.manifest) + "\n");
  }
  return kExitOk;
}

int run_rm(const Options& options) {
  const pull::Pulled gone = pull::remove_model(models_cache(), options.pull.model);
  if (!options.output.quiet) {
    StdoutSink().write(printable(gone.path) + ": removed, " + human_bytes(gone.manifest.bytes()) +
                       " freed\n");
  }
  return kExitOk;
}

}  // namespace moonbeam::cli

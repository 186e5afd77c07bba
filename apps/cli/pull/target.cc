#include "cli/pull/target.h"

#include <moonbeam/error.h>
#include <moonbeam/weights.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/pull/manifest.h"

namespace moonbeam::pull {

namespace {

constexpr std::string_view kHub = "hf:";

bool is_hub_word(std::string_view text) {
  return !text.empty() && text.size() <= 96 && text.front() != '.' && text.front() != '-' &&
         text.find("..") == std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

[[noreturn]] void refuse(const std::string& model) {
  throw Error(ErrorCode::kInvalidArgument,
              "'" + base::printable(model) +
                  "': expected NAME, NAME@REVISION, NAME:DTYPE or hf:OWNER/NAME[@REVISION], in letters, "
                  "digits and . _ -");
}

/// Cuts what stands after the last `mark` off `text`; empty where it has none.
std::string cut_after(std::string& text, char mark, const std::string& typed) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string::npos) return {};
  std::string after = text.substr(at + 1);
  if (after.empty()) refuse(typed);
  text.erase(at);
  return after;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

/// A release of the table, or one of its repository that the table does not have.
Target of_release(const std::vector<PublishedModel>& rows, const std::string& revision) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const PublishedModel& one) {
    return revision.empty() || one.revision == revision;
  });
  const PublishedModel& found = row == rows.end() ? rows.front() : *row;
  Target target{.folder = found.folder,
                .revision = found.revision,
                .repository = found.repository,
                .hub_revision = found.hub_revision,
                .tokenizer = found.tokenizer,
                .licence = found.licence,
                .dtype = {}};
  if (row == rows.end()) target.hub_revision = target.revision = revision;
  return target;
}

Target of_repository(const std::string& repository, const std::string& revision) {
  std::vector<PublishedModel> rows = published_models();
  std::erase_if(rows, [&](const PublishedModel& row) { return row.repository != repository; });
  if (!rows.empty()) return of_release(rows, revision);
  const std::string branch = revision.empty() ? "main" : revision;
  return {.folder = folder_of_repository(repository),
          .revision = branch,
          .repository = repository,
          .hub_revision = branch,
          .tokenizer = {},
          .licence = {},
          .dtype = {}};
}

}  // namespace

Target parse_target(std::string model, const std::string& revision, bool elsewhere) {
  const std::string typed = model;
  if (model.empty()) model = published_models().front().name;
  const bool hub = model.starts_with(kHub);
  if (hub) model.erase(0, kHub.size());
  const std::string dtype = cut_after(model, ':', typed), own_revision = cut_after(model, '@', typed);
  const std::string wanted = revision.empty() ? own_revision : revision;
  if ((!dtype.empty() && !is_store_name(dtype)) || (!wanted.empty() && !is_hub_word(wanted))) refuse(typed);
  Target target;
  if (hub) {
    const std::size_t slash = model.find('/');
    if (slash == std::string::npos || !is_hub_word(model.substr(0, slash)) ||
        !is_hub_word(model.substr(slash + 1))) {
      refuse(typed);
    }
    target = of_repository(model, wanted);
    target.dtype = dtype;
    if (!dtype.empty()) target.folder += "-" + dtype;
  } else {
    if (!is_store_name(model)) refuse(typed);
    const std::string folder = dtype.empty() ? model : folder_of_type(model, dtype);
    std::vector<PublishedModel> rows = published_models();
    std::erase_if(rows, [&](const PublishedModel& row) {
      return row.folder != folder || (!dtype.empty() && row.dtype != dtype && dtype != "q4");
    });
    if (!rows.empty()) {
      target = of_release(rows, wanted);
    } else if (elsewhere) {
      target.folder = folder;
      target.revision = wanted;
    } else {
      throw Error(ErrorCode::kNotFound,
                  "'" + model + (dtype.empty() ? "" : ":" + dtype) +
                      "': no published model of that name; 'moonbeam pull --list' shows them, "
                      "hf:OWNER/NAME takes any repository of the hub, --from a mirror");
    }
  }
  target.revision = lower(target.revision);
  if (!is_store_name(target.folder) || (!target.revision.empty() && !is_store_name(target.revision))) {
    refuse(typed);
  }
  return target;
}

}  // namespace moonbeam::pull

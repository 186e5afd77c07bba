// moonbeam data atlas: vector drawings from unpacked npm packages to the file that scenes are drawn with.
#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/scenes/atlas.h"
#include "data/scenes/atlas_build.h"

namespace moonbeam::cli {

namespace {

data::AtlasReport build(const DataArgs& args, bool quiet) {
  const std::filesystem::path labels_file =
      args.labels.empty() ? data::find_data_folder() / "labels.tsv" : std::filesystem::path(args.labels);
  const data::LabelTable labels = data::LabelTable::load(labels_file);
  if (args.tier == "photo") {
    return data::build_photo_atlas(args.in, labels_file.parent_path() / "stamps.tsv", args.out, labels,
                                   args.side);
  }
  data::AtlasOptions options;
  options.tier = args.tier.at(0);
  options.side = args.side;
  return data::build_atlas(
      args.in, args.out, labels, options, [&](std::string_view set, int done, int total) {
        if (quiet || (done != total && done % 200 != 0)) return;
        complain("note: " + std::string(set) + ": " + std::to_string(done) + " of " + std::to_string(total));
      });
}

}  // namespace

int run_data_atlas(const Options& options) {
  const DataArgs& args = options.data;
  const bool quiet = options.output.quiet;
  const data::AtlasReport report = build(args, quiet);
  for (const std::string& one : report.skipped) complain("warning: " + one);
  if (!report.missing.empty()) {
    std::string nouns;
    for (const std::string& noun : report.missing) nouns += (nouns.empty() ? "" : ", ") + noun;
    complain("warning: no drawing of: " + nouns);
  }
  if (!quiet) {
    complain("note: wrote " + printable(args.out) + ": " + std::to_string(report.sprites) + " drawings, " +
             human_bytes(static_cast<std::int64_t>(report.bytes)));
  }
  return kExitOk;
}

}  // namespace moonbeam::cli

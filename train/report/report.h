// moonbeam train report: curves and answered pictures of a run in one page without outside files.
#pragma once

#include <functional>
#include <string>

#include <moonbeam/image.h>

#include "train/report/run_log.h"

namespace moonbeam::train {

struct ReportOptions {
  std::string title;
  std::string recipe;        ///< its text, shown at the end
  std::size_t samples = 24;  ///< of the last ones
  /// The picture of a scene of val-seed; empty: samples without pictures.
  std::function<Image(const Sample& sample)> picture = {};
};

std::string report_html(const RunLog& log, const ReportOptions& options);

}  // namespace moonbeam::train

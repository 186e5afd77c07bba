// Who answers the pictures of a run: a model of this process, or a server.
#pragma once

#include <moonbeam/image.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/answer.h"
#include "cli/images.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/stats.h"

namespace moonbeam::cli {

/// One picture, answered.
struct Answered {
  std::vector<Answer> answers;
  Image image = {};  ///< pixels; with a server only where the run needs them
  PictureStats stats = {};
};

/// Where one answer's text goes as it is made; null where text is not streamed.
using StreamFn = std::function<TextFn(const std::string& prompt)>;

class Engine {
 public:
  virtual ~Engine() = default;
  /// Before the first question: loads the model. @throws Error for what it cannot do.
  virtual void open() = 0;
  /// The pictures that answer() will be asked for, in that order.
  virtual void announce(const std::vector<const PictureSource*>& pictures) = 0;
  /// @param picture  null for questions without one
  /// @throws Error kCancelled where the user stopped it.
  virtual Answered answer(const PictureSource* picture, const StreamFn& stream) = 0;
  /// Files that are read, which no result may be written over.
  virtual std::vector<std::string> files() const = 0;
  /// What answers are made with, in the words of --resume: the model's path, or the server's URL.
  virtual std::string made_with() const = 0;
  /// The last line of --stats.
  virtual std::string run_stats() const = 0;
};

std::unique_ptr<Engine> local_engine(const Options& options, const CheckFn& check, const AskFn& ask,
                                     bool encode, Status& status);
std::unique_ptr<Engine> remote_engine(const Options& options, Task task, Status& status);

}  // namespace moonbeam::cli

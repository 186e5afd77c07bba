// What a run learns about one picture, before it is written in some format.
#pragma once

#include <moonbeam/types.h>

#include <optional>
#include <string>
#include <vector>

namespace moonbeam::cli {

enum class Task { kCaption, kQuery, kDetect, kPoint, kGaze };

/// Times in milliseconds; counts below zero are not known and are left out.
struct Metrics {
  int input_tokens = -1;
  int output_tokens = -1;
  double encode_ms = 0;   ///< image encoder and projector
  double prefill_ms = 0;  ///< text model over picture and prompt
  double decode_ms = 0;
  double ttft_ms = 0;  ///< from the start of the encoder to the first token
};

/// One answer; the fields of its task are filled in.
struct Answer {
  std::string prompt;  ///< question or object; empty for captions and gazes
  std::string text;    ///< caption or answer
  std::optional<Reasoning> reasoning;
  std::vector<Box> boxes;
  std::vector<Point> points;  ///< of a gaze: one, or none if it leaves the picture
  Finish finish = Finish::kEos;
  Metrics metrics;
};

struct PictureAnswers {
  std::string name;           ///< any bytes, as given by the user; empty: no picture
  int height = 0, width = 0;  ///< pixels
  std::vector<Answer> answers;
};

}  // namespace moonbeam::cli

// What the tasks take and give. Field names are those of the makers' clients.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/schema.h>

namespace moonbeam {

/// Centre of an object in [0,1] of width and height, x right, y down.
struct Point {
  double x = 0, y = 0;
};

/// Corners in [0,1] of width and height. Like the reference's, not clamped: see clamp().
struct Box {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

Box clamp(Box box) noexcept;        ///< every corner into [0,1]
Point clamp(Point point) noexcept;  ///< into [0,1]

/// How far a long call has come. `done` of `total` units of `stage`.
struct Progress {
  enum class Stage { kLoad, kEncode, kPrefill, kDecode };
  Stage stage = Stage::kLoad;
  int done = 0;
  int total = 0;  ///< 0 where it is not known
};

/// Called between units of work (a ViT layer, a text layer, a token), on the calling thread.
/// Return false to stop: load() and encode_image() then throw Error kCancelled; the tasks return what there
/// is (texts with Finish::kStopped, objects found so far).
using ProgressFn = std::function<bool(const Progress&)>;

/// Receives text as it is made, whole UTF-8 characters only. Return false to stop.
using TextFn = std::function<bool(std::string_view)>;

enum class CaptionLength { kShort, kNormal, kLong };

/// Why a text ended.
enum class Finish {
  kEos,      ///< the model ended it
  kLength,   ///< max_tokens, or the model's context is full
  kStopped,  ///< a callback returned false or a stop string was met
};

/// Sampling. Greedy by default: temperature 0 takes the highest logit, the lowest id on a tie.
struct SamplingOptions {
  double temperature = 0;  ///< >= 0
  double top_p = 1;        ///< (0, 1]; keeps tokens while the sum before them is <= top_p
  std::uint64_t seed = 0;  ///< same seed, same draws, on every machine
};

struct TextOptions {
  SamplingOptions sampling = {};
  int max_tokens = 768;
  std::vector<std::string> stop = {};  ///< the text ends before the first of these; none is empty
  TextFn on_text = {};
  ProgressFn progress = {};
};

struct CaptionOptions : TextOptions {
  CaptionLength length = CaptionLength::kNormal;
};

/// A place in the picture that a question talks about: a point, or a box.
struct SpatialRef {
  std::optional<Point> point = {};
  std::optional<Box> box = {};
};

/// A stretch of the reasoning text that talks about places in the picture.
struct Grounding {
  int start_idx = 0, end_idx = 0;  ///< characters (code points) of `text`, end exclusive
  std::vector<Point> points;
};

struct Reasoning {
  std::string text;
  std::vector<Grounding> grounding;
};

struct QueryOptions : TextOptions {
  bool reasoning = false;                     ///< think first, with grounding (variants with thinking tokens)
  std::vector<SpatialRef> spatial_refs = {};  ///< variants of 2025-06-21 and later
  TextFn on_reasoning = {};                   ///< reasoning text as it is made
  /// The whole of it with its places, before the answer's first text. Return false to stop.
  std::function<bool(const Reasoning&)> on_reasoned = {};
  /// The answer is JSON after this schema, and valid even where it ends early: at max_tokens, or when a
  /// callback stops it, it is brought to its nearest end (Finish::kLength, kStopped). The question is
  /// followed by a sentence that names the keys, but for models of our own. Excludes stop strings
  /// (kInvalidArgument). Reasoning stays free.
  std::optional<ResponseSchema> schema = {};
};

struct Usage {
  int prompt_tokens = 0;  ///< positions before the first answer token, the image prefix included
  int output_tokens = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
};

struct ObjectOptions {
  int max_objects = 50;  ///< >= 0
  bool clamp = false;    ///< corners and centres into [0,1]
  /// At an object's start only the coordinate token or the end may win, as the makers' later engine does;
  /// off: any token but the end starts an object, as the reference does. Without effect where the variant
  /// names no coordinate token.
  bool only_objects = false;
  ProgressFn progress = {};
  Usage* usage = nullptr;  ///< filled in where it is not null
};

struct GazeOptions {
  bool force_detect = false;  ///< give a point even where the model says nobody's gaze is in the picture
  std::uint64_t seed = 0;     ///< of the eye points, where a face is given
  ProgressFn progress = {};
};

struct CaptionResult {
  std::string caption;
  Finish finish = Finish::kEos;
  Usage usage;
};

struct QueryResult {
  std::string answer;
  std::optional<Reasoning> reasoning;
  Finish finish = Finish::kEos;
  Usage usage;
};

}  // namespace moonbeam

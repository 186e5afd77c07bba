// A loaded model and what it can be asked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/image.h>
#include <moonbeam/types.h>

namespace moonbeam {

/// Arithmetic of the engine. f32 gives the reference's answers; the others pack the weights once while
/// loading, unless the file holds them packed (`moonbeam quantize`), and keep keys and values in bf16. Sums,
/// norms, softmax and logits are f32 in every mode.
enum class Mode {
  kAuto,  ///< as the file is quantised; else f32 for small models, int8, or int4 where memory is short
  kF32,   ///< f32 activations, weights of the file's type used where they lie
  kBF16,  ///< weights and activations in bf16
  kInt8,  ///< 8-bit weights a column, 8-bit activations a row
  kInt4,  ///< as int8, with the text model's layers in 4 bits
};
std::string_view mode_name(Mode mode) noexcept;
std::optional<Mode> find_mode(std::string_view name) noexcept;  ///< "auto", "f32", "bf16", "int8", "int4"

struct LoadOptions {
  /// A row of the variant table ("moondream2-2025-06-21", ...) that overrules what the file's shapes and
  /// configuration say; empty to go by those.
  std::string variant = {};
  Mode mode = Mode::kAuto;  ///< kAuto: MOONBEAM_MODE, else see there
  int threads = 0;          ///< 0: MOONBEAM_THREADS, else the cores this process may use
  std::string isa = {};     ///< "scalar", "avx2", "avx512"; empty: MOONBEAM_ISA, else the best
  /// Leave the weights of a quantised file mapped instead of reading them into memory: less of it is taken,
  /// decoding is slower, checksums are not looked at, and the file must not be changed meanwhile. Other files
  /// are always mapped.
  bool mmap = false;
  /// A LoRA adapter of the text model (docs/formats/safetensors.md); empty: none. It is merged where weights
  /// are packed while they are read; where they are used as they lie, its products are made beside theirs.
  std::string adapter = {};
  bool check_memory = true;  ///< refuse, with both figures, what free memory cannot hold
  ProgressFn progress = {};
};

/// A picture after the image encoder and the prefix prefill. Cheap to copy, read only, may be shared
/// between threads; belongs to the model that made it.
class EncodedImage {
 public:
  struct Impl;
  explicit EncodedImage(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  int height() const noexcept;         ///< of the picture, pixels
  int width() const noexcept;          ///< of the picture, pixels
  int crops() const noexcept;          ///< crops that went through the image encoder
  int prefix_tokens() const noexcept;  ///< positions taken in the context, BOS included
  std::size_t bytes() const noexcept;  ///< memory it holds
  double encode_ms() const noexcept;   ///< image encoder and projector
  double prefill_ms() const noexcept;  ///< text model over the prefix
  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// A question about a picture, for many at once.
struct Question {
  EncodedImage image;
  std::string question;
  QueryOptions options = {};
};

struct ModelInfo {
  std::string name;              ///< file name without path and ending
  std::string path;              ///< where it was found; "synth:..." for generated weights
  std::string variant = {};      ///< row of the variant table
  std::string dtype;             ///< most frequent weight type, e.g. "bf16"
  std::string mode;              ///< arithmetic, e.g. "int8"
  std::string mode_reason = {};  ///< why, where it was chosen: "the model is small"
  std::string adapter = {};      ///< file of the LoRA adapter in use; empty: none
  std::string isa = {};          ///< kernels in use
  int threads = 0;
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;
  int image_tokens = 0;  ///< positions an image takes, without BOS
  int max_context = 0;
  bool can_detect = false;  ///< detect and point
  bool can_reason = false;
  bool can_gaze = false;
  bool plain_prompt = false;  ///< questions are put as plain text, "Question: ... Answer:", not by tokens
  std::vector<std::string> caption_lengths;  ///< "short", "normal", "long"
  std::vector<std::string> notes;            ///< what loading had to say, e.g. unknown configuration keys
  std::vector<std::string> warnings = {};    ///< likewise what is probably a mistake: another model's adapter
};

/// Weights, configuration and tokenizer, constant after loading. One Model may serve many threads: each
/// call has its own state. Movable; copies share the weights.
class Model {
 public:
  struct Impl;

  /// @param model  a file (.gguf, .safetensors), a folder in the published layout, a name looked up in the
  ///               model folders, or "synth:VARIANT" for generated weights.
  /// @throws Error kNotFound, kCorrupt, kUnsupported, kExhausted (memory), kInvalidArgument.
  static Model load(const std::string& model, const LoadOptions& options = {});

  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  const ModelInfo& info() const noexcept;

  /// Runs the image encoder and the prefix through the text model, once per picture.
  /// Any size and aspect ratio; EXIF is what decode_image() was told.
  /// @throws Error kInvalidArgument (empty image), kCancelled.
  EncodedImage encode_image(const Image& image, const ProgressFn& progress = {}) const;

  /// Describes the picture. @throws Error kUnsupported (length the variant does not know).
  CaptionResult caption(const EncodedImage& image, const CaptionOptions& options = {}) const;

  /// Answers `question` (UTF-8, not empty) about the picture.
  /// With options.schema the answer is JSON; a stopped prefill leaves it empty.
  /// @throws Error kInvalidArgument, kUnsupported (reasoning, spatial_refs), kExhausted (question longer
  ///         than the context).
  QueryResult query(const EncodedImage& image, std::string_view question,
                    const QueryOptions& options = {}) const;

  /// Answers `question` without a picture.
  QueryResult query(std::string_view question, const QueryOptions& options = {}) const;

  /// Many questions at once, about one picture or several: up to 16 run in step and read the weights
  /// together, as one ends the next begins. Each answer has the bits that query() gives. Callbacks come from
  /// all of them, in turn.
  /// @return answers in the order of the questions.
  /// @throws Error as query(), if any of them does; the others are then lost.
  std::vector<QueryResult> query_all(const std::vector<Question>& questions) const;
  std::vector<QueryResult> query_all(const EncodedImage& image, const std::vector<std::string>& questions,
                                     const QueryOptions& options = {}) const;

  /// Boxes round each instance of `object`, in the order the model gives them.
  /// @param object  noun phrase, UTF-8, not empty.
  /// @return empty if none found.
  /// @throws Error kInvalidArgument (empty object), kUnsupported (variant has no detect prompt).
  /// Greedy; stops at options.max_objects. Follows vikhyat/moondream moondream/torch/moondream.py `detect`.
  std::vector<Box> detect(const EncodedImage& image, std::string_view object,
                          const ObjectOptions& options = {}) const;

  /// Points at each instance of `object`; as detect().
  std::vector<Point> point(const EncodedImage& image, std::string_view object,
                           const ObjectOptions& options = {}) const;

  /// Where the person whose eyes are at `eye` looks; none if outside the picture.
  /// @throws Error kUnsupported (variant has no gaze prompt).
  std::optional<Point> detect_gaze(const EncodedImage& image, Point eye,
                                   const GazeOptions& options = {}) const;

  /// The same from a face: the mean of guesses from 10 random eye points in the box and 10 on the mirrored
  /// picture, outliers left out; none where fewer than 10 of them agree that there is a gaze. Slower,
  /// steadier.
  /// @throws Error kInvalidArgument (box outside the picture), kUnsupported, kCancelled.
  /// Follows vikhyat/moondream moondream/torch/moondream.py `detect_gaze` in its accurate mode.
  std::optional<Point> detect_gaze(const Image& image, const Box& face,
                                   const GazeOptions& options = {}) const;

  /// Text that `ids` decode to, special tokens left out.
  std::string decode(const std::vector<int>& ids) const;
  /// Token ids of `text`. Control tokens in it are plain text unless parse_special.
  std::vector<int> encode(std::string_view text, bool parse_special = false) const;

  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace moonbeam

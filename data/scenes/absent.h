// What is asked for: things that a scene shows, and things that it does not, drawn so that the words of a
// question do not tell which. Nothing here is drawn beside its parents, children or look-alikes.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/scenes/labels.h"
#include "data/scenes/random.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

/// A label, or one of a colour: "star", "red star".
struct Asked {
  int label = 0;
  std::optional<Colour> colour = {};
  friend bool operator==(const Asked&, const Asked&) = default;
};

/// Colours that shapes are drawn in and asked with.
std::span<const Colour> shape_colours();

/// One for each object; things have no colour here.
std::vector<Asked> visible_in(const Scene& scene, const LabelTable& labels);

/// Whether "is there ...?" has the answer no without being unfair: not visible, and no relative of what is,
/// unless the table lists the pair as confusable. A colour is absent where its shape is not there in it.
bool fairly_absent(const Asked& asked, std::span<const Asked> visible, const LabelTable& labels);

/// Whether something else in the scene could be called by the label too, a duck beside a bird: then it is not
/// counted, found or told apart by its noun.
bool ambiguous(int label, std::span<const Asked> visible, const LabelTable& labels);

/// Draws from the shapes and the first n things. A third of the absent ones is drawn from all names alike, a
/// third as often as the scenes show them, a third is confusable with something in the scene: its category,
/// its group, a listed pair, the same shape in another colour. Then rejection makes each name as frequent
/// among the present ones as among the absent ones; its odds come from scenes simulated once a class list.
class AskedThings {
 public:
  static std::shared_ptr<const AskedThings> of(const LabelTable& labels, int classes);
  AskedThings(const LabelTable& labels, int classes);

  std::optional<Asked> present(std::span<const Asked> visible, Stream& stream) const;
  std::optional<Asked> absent(std::span<const Asked> visible, Stream& stream) const;

  enum class Way { kRandom, kPopular, kConfusable };
  /// One third of them, as it is proposed: names are not balanced here.
  std::optional<Asked> absent_by(Way way, std::span<const Asked> visible, Stream& stream) const;

 private:
  std::size_t row(const Asked& asked) const;
  Asked any(Stream& stream) const;
  Asked coloured_or_not(int label, Stream& stream) const;
  std::vector<Asked> simulated_scene(Stream& stream) const;
  std::optional<int> simulated_label(const std::vector<int>& drawn, bool grouped, Stream& stream) const;
  Asked propose_present(std::span<const Asked> visible, Stream& stream) const;
  std::optional<Asked> propose_absent(Way way, std::span<const Asked> visible, Stream& stream) const;
  std::optional<Asked> propose_confusable(std::span<const Asked> visible, Stream& stream) const;
  void calibrate();

  LabelTable labels_;                     // its own: a cached object may live longer than the caller's table
  int names_;                             // shapes and things asked for: labels 0 .. names_ - 1
  std::vector<std::vector<int>> mates_;   // of a label: same category or group, or confusable
  std::vector<std::vector<int>> groups_;  // of a label: things it is drawn with
  std::vector<double> keep_present_, keep_absent_;  // by row()
};

}  // namespace moonbeam::data

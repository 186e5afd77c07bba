// The label table: what things are called, what belongs to what. data/labels.tsv is read once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

/// The eleven basic colour terms.
enum class Colour : std::uint8_t {
  kRed,
  kGreen,
  kBlue,
  kYellow,
  kOrange,
  kPurple,
  kPink,
  kWhite,
  kBlack,
  kBrown,
  kGray
};
inline constexpr int kColours = 11;
std::string_view name(Colour colour);
std::optional<Colour> find_colour(std::string_view name);

/// A row of data/labels.tsv, or a shape of our own.
struct Label {
  std::string noun;                     ///< "dog", as COCO calls it where COCO has it; never a colour word
  std::string plural;                   ///< "dogs"
  std::string article;                  ///< "a", "an" or "some"
  std::string category;                 ///< "animal", "food", ...
  std::vector<std::string> slugs;       ///< drawings of the vector sets that show it
  std::vector<Colour> colours;          ///< it may be repainted in these; empty: its colour stays
  std::vector<std::string> parents;     ///< "animal"; also labels: "vehicle"
  std::vector<std::string> alike;       ///< look-alikes: never an absent object beside this one
  std::vector<std::string> confusable;  ///< allowed as a hard negative although alike
  std::string group;                    ///< co-occurrence group: "kitchen", "street", "farm", ...
  bool shape = false;                   ///< circle, square, ...: drawn by our own code, always coloured
  bool letters = false;                 ///< shows letters or digits: never mirrored

  /// Whether the drawing `slug` of the set shows it. Slugs are "dog", "noto:dog" (in this set alone) or
  /// "!noto1:dog" (not in this one).
  bool shown_by(std::string_view set, std::string_view slug) const;
};

/// Labels 0 .. shapes() - 1 are the shapes; things() labels follow in the committed order, common things
/// first, so that shapes() .. shapes() + n - 1 are the class list Ln. The last label is the sign with text,
/// which only SceneOptions::reading draws.
class LabelTable {
 public:
  /// @throws Error kNotFound, kCorrupt naming the line.
  static LabelTable load(const std::filesystem::path& tsv);

  int size() const { return static_cast<int>(labels_.size()); }
  int shapes() const { return shapes_; }
  int things() const { return size() - shapes_ - 1; }
  int sign() const { return size() - 1; }
  const Label& operator[](int id) const { return labels_[static_cast<std::size_t>(id)]; }
  std::optional<int> find(std::string_view noun_or_plural) const;
  /// Same thing, hypernym, hyponym or look-alike: an answer "no" about one beside the other would be false
  /// or unfair.
  bool related(int a, int b) const;
  bool confusable(int a, int b) const;

 private:
  std::vector<Label> labels_;
  int shapes_ = 0;
  std::map<std::string, int, std::less<>> ids_;  // by noun and plural
  std::vector<std::uint8_t> relations_;          // [size, size], bits
};

}  // namespace moonbeam::data

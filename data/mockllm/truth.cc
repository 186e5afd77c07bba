#include "data/mockllm/truth.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "data/mockllm/words.h"

namespace moonbeam::mockllm {

namespace {

std::string find_graphs(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/gqa", error)) {
    if (entry.path().string().ends_with("_sceneGraphs.json")) return entry.path();
  }
  base::fail(ErrorCode::kNotFound, folder,
             ": expected gqa/*_sceneGraphs.json in it, as 'moonbeam data scenes' writes it");
}

std::string picture_of(const std::string& folder, const std::string& id) {
  const std::string digits = std::string(12 - std::min<std::size_t>(12, id.size()), '0') + id;
  const std::string part = std::to_string(100'000 + std::stoull(id) / 800).substr(1);
  return folder + "/images/" + part + "/" + digits + ".jpg";
}

std::vector<TrueObject> objects_of(const Json& scene) {
  std::vector<TrueObject> out;
  for (const auto& [id, object] : scene.at("objects").items()) {
    TrueObject one;
    one.name = object.at("name").get<std::string>();
    one.x = object.at("x").get<double>() + object.at("w").get<double>() / 2;
    one.y = object.at("y").get<double>() + object.at("h").get<double>() / 2;
    for (const Json& attribute : object.at("attributes")) {
      if (attribute.is_string() && is_colour(attribute.get<std::string>())) one.colour = attribute;
    }
    out.push_back(std::move(one));
  }
  return out;
}

/// The question's words from `at` on, without article, up to words that say "in the picture".
struct Phrase {
  std::string noun, colour;
};
Phrase phrase_of(const std::vector<Word>& words, std::size_t at, std::size_t end) {
  Phrase out;
  while (at < end) {
    const std::string& word = words[at].text;
    if (word != "a" && word != "an" && word != "the" && word != "any" && word != "some") break;
    ++at;
  }
  if (at + 1 < end && is_colour(words[at].text)) out.colour = words[at++].text;
  for (; at < end; ++at) {
    const std::string& word = words[at].text;
    if (word == "in" || word == "are" || word == "do" || word == "visible" || word == "on" ||
        word == "here" || word == "anywhere")
      break;
    out.noun += (out.noun.empty() ? "" : " ") + word;
  }
  return out;
}

class Answerer {
 public:
  Answerer(const std::vector<TrueObject>& scene, std::string_view question)
      : scene_(scene), words_(words_of(question.substr(0, question.find('?')))) {}

  std::string answer() const {
    if (words_.size() > 1 && words_[0].text == "is" && words_[1].text == "the") return relation();
    if (const auto at = after({{"is", "no"}, {"are", "no"}})) {  // "is it true that there is no dog?"
      return yes(all(phrase_of(words_, *at, words_.size())).empty());
    }
    if (const auto at = after({{"how", "many"}, {"number", "of"}, {"count", "the"}})) {
      return std::to_string(all(phrase_of(words_, *at, words_.size())).size());
    }
    if (const auto at = after({{"color", "is"}, {"colour", "is"}, {"color", "of"}, {"colour", "of"}})) {
      return colour(phrase_of(words_, *at, words_.size()));
    }
    if (const auto at = after({{"is", "there"}, {"are", "there"}, {"you", "see"}})) {
      return yes(!all(phrase_of(words_, *at, words_.size())).empty());
    }
    return asks_for_one() ? yes(names_any()) : "unknown";
  }

 private:
  using Pair = std::array<std::string_view, 2>;
  static std::string yes(bool is) { return is ? "yes" : "no"; }

  bool has(std::string_view word) const {
    return std::any_of(words_.begin(), words_.end(), [&](const Word& one) { return one.text == word; });
  }
  /// "Is a dog visible?", "Does the picture show any dogs?", "Can a dog be seen here?"
  bool asks_for_one() const {
    constexpr std::array<std::string_view, 4> kBegin = {"is", "does", "can", "are"};
    constexpr std::array<std::string_view, 6> kShown = {"visible", "shown", "show",
                                                        "include", "seen",  "anywhere"};
    if (words_.empty() || std::find(kBegin.begin(), kBegin.end(), words_[0].text) == kBegin.end())
      return false;
    if (has("or") || has("wrong") || has("true") || has("left") || has("right") || has("above") ||
        has("below"))
      return false;
    return std::any_of(kShown.begin(), kShown.end(), [&](std::string_view one) { return has(one); });
  }
  bool names_any() const {
    std::string text;
    for (const Word& word : words_) text += word.text + " ";
    return std::any_of(scene_.begin(), scene_.end(),
                       [&](const TrueObject& one) { return says(text, one.name); });
  }

  /// Past the first of the pairs of words that stands in the question.
  std::optional<std::size_t> after(std::initializer_list<Pair> pairs) const {
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) {
      for (const Pair& pair : pairs) {
        if (words_[i].text == pair[0] && words_[i + 1].text == pair[1]) return i + 2;
      }
    }
    return std::nullopt;
  }
  std::vector<const TrueObject*> all(const Phrase& phrase) const {
    std::vector<const TrueObject*> out;
    for (const TrueObject& object : scene_) {
      const bool same = says(phrase.noun, object.name);
      if (same && (phrase.colour.empty() || phrase.colour == object.colour)) out.push_back(&object);
    }
    return out;
  }
  std::string colour(const Phrase& phrase) const {
    const auto found = all(phrase);
    return found.size() != 1 || found[0]->colour.empty() ? "unknown" : found[0]->colour;
  }
  /// "is the dog left or right of the cup", "is the dog (to the) left of the cup", "is the dog red".
  std::string relation() const {
    constexpr std::array<std::string_view, 4> kWays = {"left", "right", "above", "below"};
    const auto is_way = [&](const Word& word) {
      return std::find(kWays.begin(), kWays.end(), word.text) != kWays.end();
    };
    const auto way = std::find_if(words_.begin(), words_.end(), is_way);
    if (way == words_.end()) {
      if (words_.size() < 3 || !is_colour(words_.back().text)) return "unknown";
      const std::string is = colour(phrase_of(words_, 1, words_.size() - 1));
      return is == "unknown" ? is : yes(is == words_.back().text);
    }
    auto first_end = static_cast<std::size_t>(way - words_.begin());
    auto second = first_end + 1;
    const bool either = second < words_.size() && words_[second].text == "or";
    if (either) second += 2;
    if (second < words_.size() && words_[second].text == "of") ++second;
    while (first_end > 1 && (words_[first_end - 1].text == "the" || words_[first_end - 1].text == "to"))
      --first_end;
    const auto a = all(phrase_of(words_, 1, first_end)), b = all(phrase_of(words_, second, words_.size()));
    if (a.size() != 1 || b.size() != 1) return "unknown";
    const bool across = way->text == "left" || way->text == "right";
    const std::string_view is =
        across ? (a[0]->x < b[0]->x ? "left" : "right") : (a[0]->y < b[0]->y ? "above" : "below");
    return either ? std::string(is) : yes(is == way->text);
  }

  const std::vector<TrueObject>& scene_;
  std::vector<Word> words_;
};

}  // namespace

Truth::Truth(const std::string& folder) {
  const std::string path = find_graphs(folder);
  try {
    const auto file = base::MappedFile::open(path);
    const auto* text = reinterpret_cast<const char*>(file->bytes().data());
    const Json graphs = Json::parse(text, text + file->bytes().size());
    for (const auto& [id, scene] : graphs.items()) {
      const auto picture = base::MappedFile::open(picture_of(folder, id));
      scenes_.emplace(base::sha256_hex(picture->bytes()), objects_of(scene));
    }
  } catch (const std::logic_error&) {  // ids that are no numbers
    base::fail(ErrorCode::kCorrupt, path, ": expected scene graphs");
  } catch (const Json::exception&) {
    base::fail(ErrorCode::kCorrupt, path, ": expected scene graphs");
  }
}

const std::vector<TrueObject>* Truth::find(const std::string& sha256) const {
  const auto found = scenes_.find(sha256);
  return found == scenes_.end() ? nullptr : &found->second;
}

std::string true_answer(const std::vector<TrueObject>& scene, std::string_view question) {
  return Answerer(scene, question).answer();
}

std::string wrong_answer(std::string_view right, std::uint64_t draw) {
  if (right == "yes") return "no";
  if (right == "no") return "yes";
  if (right == "left") return "right";
  if (right == "right") return "left";
  if (right == "above") return "below";
  if (right == "below") return "above";
  if (const auto number = number_of(right)) return std::to_string(*number + 1 + static_cast<int>(draw % 2));
  if (is_colour(right)) return right == "red" ? "blue" : "red";
  return "yes";
}

}  // namespace moonbeam::mockllm

// What a run's records say beside the clean truth of drawn scenes (data.md 8.2): counted alike by the
// acceptance and by the test of the mock's faults.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/mockllm/truth.h"
#include "data/mockllm/words.h"
#include "data/pipeline/record/record.h"
#include "data/pipeline/words/english.h"
#include "data/pipeline/words/lexicon.h"
#include "data/scenes/labels.h"

namespace moonbeam::pipeline {

using mockllm::TrueObject;

using Scene = std::vector<TrueObject>;

inline int count_of(const Scene& scene, const std::string& name, const std::string& colour = "") {
  int count = 0;
  for (const TrueObject& one : scene) count += one.name == name && (colour.empty() || one.colour == colour);
  return count;
}

/// The colour may be said: some such thing has it, or has none that is told.
inline bool may_be(const Scene& scene, const std::string& name, const std::string& colour) {
  for (const TrueObject& one : scene) {
    if (one.name == name && (one.colour == colour || one.colour.empty())) return true;
  }
  return false;
}

/// "red star" of a claim's subject to name and colour.
inline std::pair<std::string, std::string> thing_of(const std::string& subject) {
  const std::size_t space = subject.find(' ');
  if (space != std::string::npos && colour_of(subject.substr(0, space))) {
    return {subject.substr(space + 1), subject.substr(0, space)};
  }
  return {subject, ""};
}

struct Tally {
  std::int64_t captions = 0, mentions = 0, phantoms = 0, colours = 0, wrong_colours = 0;
  std::int64_t true_claims = 0, found = 0, accepted = 0, wrong_claims = 0;
  std::int64_t answers = 0, wrong = 0, unchecked = 0, yes = 0, no = 0;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> by_type;  ///< checked, wrong
  std::map<std::string, std::int64_t> others;  ///< things named that are not in the scene
  std::vector<std::string> examples;

  void example(const std::string& text) {
    if (examples.size() < 20) examples.push_back(text);
  }

  void caption(const Scene& scene, const Caption& one, const std::vector<mockllm::Noun>& nouns,
               const Lexicon& lexicon) {
    ++captions;
    std::set<std::string> meant;  // "can" of "one can see" is none
    for (const NounAt& at : lexicon.nouns_in(one.text)) {
      meant.insert(at.noun);
      // What no label names is looked for too: a thing of the lexicon that nothing in the scene is.
      const bool there = std::any_of(scene.begin(), scene.end(), [&](const TrueObject& thing) {
        return lexicon.same(thing.name, at.noun) || lexicon.is_a(thing.name, at.noun);
      });
      if (!there && lexicon.is_concrete(at.noun)) ++others[at.noun];
    }
    for (const mockllm::Mention& mention : mockllm::mentions_in(one.text, nouns)) {
      if (mention.negated || !meant.contains(mention.noun)) continue;
      ++mentions;
      if (count_of(scene, mention.noun) == 0) {
        ++phantoms;
        example("phantom " + mention.noun + ": " + one.text);
      } else if (!mention.colour.empty()) {
        ++colours;
        if (may_be(scene, mention.noun, mention.colour)) continue;
        ++wrong_colours;
        example("colour " + mention.colour + " " + mention.noun + ": " + one.text);
      }
    }
  }

  void claim(const Scene& scene, const Claim& one) {
    const auto [name, colour] = thing_of(one.subject);
    bool right = false;
    if (one.type == "existence") {
      right = count_of(scene, name) > 0 && (colour.empty() || may_be(scene, name, colour));
    } else if (one.type == "count") {
      right = std::to_string(count_of(scene, name, colour)) == one.object;
    } else if (one.type == "attribute" && colour_of(one.object)) {
      right = may_be(scene, name, one.object);
    } else {
      return;
    }
    const bool merged = one.dropped.starts_with("S5/merged") || one.dropped.starts_with("S5/less-specific");
    true_claims += right;
    found += right && (one.accepted || merged);
    accepted += one.accepted;
    if (one.accepted && !right) {
      ++wrong_claims;
      example("claim " + one.type + " " + one.subject + " " + one.object);
    }
  }

  void pair(const Scene& scene, const Pair& one) {
    const std::string said = lower(one.a_short);
    yes += said == "yes";
    no += said == "no";
    bool right = true;
    if (one.type == "premise") {
      right = count_of(scene, one.about) == 0;
    } else {
      const std::string truth = mockllm::true_answer(scene, one.q);
      if (truth == "unknown") {
        ++unchecked;
        return;
      }
      right = truth == said;
    }
    ++answers;
    ++by_type[one.type].first;
    if (right) return;
    ++wrong;
    ++by_type[one.type].second;
    example(one.type + ": " + one.q + " " + one.a_short);
  }
};

/// Nouns that scenes are drawn of.
inline std::vector<mockllm::Noun> nouns_of(const data::LabelTable& labels) {
  std::vector<mockllm::Noun> out;
  for (int i = 0; i < labels.size(); ++i) out.push_back({labels[i].noun, labels[i].plural});
  return out;
}

inline double share_of(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace moonbeam::pipeline

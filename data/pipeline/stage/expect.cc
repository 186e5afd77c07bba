#include "data/pipeline/stage/expect.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/pipeline/stage/stage.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kLeastShare = 0.001;  // of the picture's area: smaller things are no facts (S1)

/// A word of a text that is no noun and ends as what somebody does.
bool tells_action(const std::string& word, const Lexicon& lexicon) {
  return word.size() > 5 && word.ends_with("ing") && !lexicon.is_noun(word);
}

}  // namespace

void Expected::add(const Input& input, const Lexicon& lexicon) {
  bool colour = false, action = false;
  const auto read = [&](const std::string& text, ExpectedTexts& to, std::set<std::string>& nouns) {
    ++to.texts;
    for (const Word& word : words_of(text)) {
      ++to.words;
      colour = colour || colour_of(word.text);
      action = action || tells_action(word.text, lexicon);
    }
    for (const NounAt& at : lexicon.nouns_in(text)) {
      if (lexicon.is_concrete(at.noun) && !is_picture_word(at.noun)) nouns.insert(at.noun);
    }
  };
  std::set<std::string> of_narratives, of_captions, of_regions, of_alt;
  for (const data::Narrative& one : input.narratives) read(one.caption, narratives, of_narratives);
  for (const InputText& one : input.texts) {
    if (one.kind == "caption") read(one.text, captions, of_captions);
    if (one.kind == "region") read(one.text, regions, of_regions);
    if (one.kind == "alt") read(one.text, alt, of_alt);
    if (one.kind == "ocr") ++written;
  }
  narratives.nouns += static_cast<double>(of_narratives.size());
  captions.nouns += static_cast<double>(of_captions.size());
  regions.nouns += static_cast<double>(of_regions.size());
  alt.nouns += static_cast<double>(of_alt.size());
  std::map<std::string, int> counts;
  const double area = static_cast<double>(input.width) * input.height;
  for (const InputInstance& one : input.instances) {
    if (one.box[2] * one.box[3] >= kLeastShare * area) ++counts[one.name];
  }
  int singles = 0;
  for (const auto& [name, count] : counts) {
    things += count;
    ++classes;
    singles += count == 1 ? 1 : 0;
  }
  single += singles > 0 ? 1 : 0;
  two_single += singles > 1 ? 1 : 0;
  coloured += colour ? 1 : 0;
  doing += action ? 1 : 0;
  exhaustive += input.things.empty() ? 0 : 1;
}

void Expected::divide(double pictures) {
  std::vector<double*> all = {&written,    &things,   &classes, &single,
                              &two_single, &coloured, &doing,   &exhaustive};
  for (ExpectedTexts* one : {&narratives, &captions, &regions, &alt}) {
    all.insert(all.end(), {&one->texts, &one->words, &one->nouns});
  }
  for (double* one : all) *one /= std::max(1.0, pictures);
}

double batches(double items, double a_call) {
  return items <= 0 ? 0 : std::max(std::min(items, 1.0), items / a_call + 0.5);
}

double share_with(double least, double mean) {
  if (least <= 1) return std::min(1.0, mean);
  double below = 0, term = std::exp(-mean);  // as if they fell independently: Poisson
  for (int k = 0; k < static_cast<int>(least); ++k) {
    below += term;
    term *= mean / (k + 1);
  }
  return 1 - below;
}

void ExpectedRun::add(const Input& input) {
  std::array<bool, 5> kinds = {!input.narratives.empty(), false, false, false, !input.instances.empty()};
  for (const InputText& one : input.texts) {
    kinds[1] = kinds[1] || one.kind == "caption";
    kinds[2] = kinds[2] || one.kind == "region";
    kinds[3] = kinds[3] || one.kind == "alt";
  }
  Group& group = groups_[kinds];
  group.sum.add(input, lexicon_);
  ++group.pictures;
}

std::int64_t ExpectedRun::pictures() const {
  std::int64_t out = 0;
  for (const auto& [kinds, group] : groups_) out += group.pictures;
  return out;
}

std::vector<ExpectedCalls> ExpectedRun::calls(std::span<const std::unique_ptr<Stage>> stages,
                                              const Context& context) const {
  std::vector<ExpectedCalls> out;
  for (const auto& [kinds, group] : groups_) {
    const auto pictures = static_cast<double>(group.pictures);
    Expected picture = group.sum;
    picture.divide(pictures);
    for (const std::unique_ptr<Stage>& stage : stages) {
      for (ExpectedCalls one : stage->expect(picture, context)) {
        one.calls *= pictures;
        const auto same = std::find_if(out.begin(), out.end(), [&](const ExpectedCalls& other) {
          return other.prompt == one.prompt && other.role == one.role;
        });
        if (same == out.end()) {
          out.push_back(std::move(one));
          continue;
        }
        const double calls = same->calls + one.calls;  // tokens: the mean of both
        if (calls > 0) {
          same->input = (same->input * same->calls + one.input * one.calls) / calls;
          same->output = (same->output * same->calls + one.output * one.calls) / calls;
        }
        same->calls = calls;
      }
    }
  }
  return out;
}

}  // namespace moonbeam::pipeline

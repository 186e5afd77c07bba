// S1: the fact sheet, and the texts that people wrote as numbered sources.
#include <moonbeam/error.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/evidence/pixels.h"
#include "data/pipeline/evidence/sheet.h"
#include "data/pipeline/evidence/subject.h"

namespace moonbeam::pipeline {

namespace {

/// Single spaces, none at the ends.
std::string squeezed(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

class SheetStage final : public Stage {
 public:
  explicit SheetStage(base::KeySection& keys) {
    keys.read("min_share", settings_.min_share, 0, 1);
    keys.read("min_side", settings_.min_side, 0, 1000);
    keys.read("most_exact", settings_.most_exact, 0, 1000);
    keys.read("gap", settings_.gap, 0, 1);
    keys.read("inside", settings_.inside, 0, 1);
    keys.read("small", settings_.small, 0, 1);
    keys.read("large", settings_.large, 0, 1);
    keys.read("most_related", settings_.most_related, 0, 100);
    keys.read("colours", colours_);
    keys.read("most_texts", most_texts_, 1, 1000);
  }

  std::string_view name() const override { return "S1"; }

  std::vector<llm::Call> step(Record& record, int, std::span<const llm::Result>,
                              const Context& context) const override {
    record.sheet = make_sheet(record.input, settings_);
    for (const auto* unsure : {&record.sheet.uncertain, &record.sheet.crowds}) {
      for (const std::string& name : *unsure) forbid_absence(record.sheet, name, context.lexicon);
    }
    if (const auto small = record.input.instances.size() - record.sheet.objects.size(); small > 0) {
      record.count("S1/uncertain-or-crowd", static_cast<std::int64_t>(small));
    }
    if (colours_ && !context.pictures.empty()) look(record, context);
    collect(record);
    return {};
  }

 private:
  static void look(Record& record, const Context& context) {
    try {
      const llm::Picture picture = context.picture(record);
      const Image image = decode_image(std::as_bytes(std::span(*picture.bytes)), {}, record.input.file);
      for (SheetObject& one : record.sheet.objects) {
        const BoxColours colours = colours_in(image, one.box);
        one.colour = colours.main;
        one.colours = colours.some;
      }
    } catch (const Error&) {
      record.count("S1/no-picture");  // colours stay unknown; S0 decides on pictures
    }
  }

  void collect(Record& record) const {
    record.sources.clear();
    const auto add = [&](char letter, const std::string& kind, const std::string& text,
                         const std::string& origin) {
      const std::string clean = squeezed(text);
      const auto before = std::count_if(record.sources.begin(), record.sources.end(),
                                        [&](const Source& one) { return one.kind == kind; });
      if (clean.empty()) return;
      if (before >= most_texts_) {
        record.count("S1/too-many-texts");
        return;
      }
      Source source;
      source.id = base::cat(letter, before + 1);
      source.kind = kind;
      source.raw = source.text = clean;
      source.origin = origin;
      source.low_trust = kind == "alt";
      record.sources.push_back(std::move(source));
    };
    for (const data::Narrative& one : record.input.narratives)
      add('N', "narrative", one.caption, one.recording);
    for (const auto& [letter, kind] :
         {std::pair{'K', "caption"}, {'V', "region"}, {'A', "alt"}, {'T', "ocr"}}) {
      for (const InputText& one : record.input.texts) {
        if (one.kind == kind) add(letter, kind, one.text, one.source);
      }
    }
  }

  SheetSettings settings_;
  bool colours_ = true;
  int most_texts_ = 20;  // of each kind
};

}  // namespace

std::unique_ptr<Stage> make_s1(base::KeySection& keys) {
  return std::make_unique<SheetStage>(keys);
}

}  // namespace moonbeam::pipeline

// All that the pipeline knows of one picture: what came in, and what each stage found out (data.md section
// 4). A stage reads what earlier ones wrote and adds its own; nothing is taken away: what is dropped stays,
// with the reason, so that `data explain` can tell. Written as one line of JSON (record_json.h).
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/formats/narratives.h"

namespace moonbeam::pipeline {

/// Keys sorted: equal values give equal bytes.
using Json = nlohmann::json;

/// x_min, y_min, x_max, y_max of width and height.
using Box = std::array<double, 4>;
using Point = std::array<double, 2>;

// ---- what comes in: a line of a shard's input file, written by the plan

struct InputInstance {
  std::int64_t id = 0;
  std::string name = {};        ///< of its category
  std::array<double, 4> box{};  ///< x, y, width, height in pixels as annotated
  double area = 0;              ///< of the mask, in pixels; the box's where there is none
  bool crowd = false;
  std::vector<double> centre = {};  ///< x, y in pixels: the mask's pole of inaccessibility; empty: no mask
};

struct InputText {
  std::string kind = {};  ///< caption, alt, region (Visual Genome), ocr
  std::string text = {};
  std::string source = {};      ///< "captions.json#9001", for provenance
  std::array<double, 4> box{};  ///< pixels, of kind region and ocr; all 0: none
};

struct Input {
  std::string key = {};      ///< "coco-7": source and id
  std::int64_t ordinal = 0;  ///< among all pictures of the plan
  std::string file = {};     ///< below the recipe's folder of pictures
  int width = 0, height = 0;
  std::string licence = {};  ///< "" where nothing is said
  std::vector<InputInstance> instances = {};
  std::vector<std::string> stuff = {};   ///< names of panoptic stuff: sky, grass
  std::vector<std::string> things = {};  ///< classes whose annotation is exhaustive in this picture's source
  std::vector<std::string> negatives = {};  ///< classes said to be absent (federated sets)
  std::vector<InputText> texts = {};
  std::vector<data::Narrative> narratives = {};
};

// ---- what the stages find out

struct Picture {
  std::string sha256 = {};  ///< of the file
  std::uint64_t hash = 0;   ///< perceptual, 64 bits (S0)
};

/// S1. Facts of the annotations, no language model.
struct SheetObject {
  std::string id = {};  ///< "O1": by falling area
  std::string name = {};
  std::int64_t instance = 0;
  Box box{};
  Point centre{};                         ///< of mask or box, of width and height
  double share = 0;                       ///< of the picture's area
  std::string size = {};                  ///< small, medium, large
  std::string place = {};                 ///< top left, top, ..., middle, ..., bottom right
  std::string colour = {};                ///< of its pixels, one of 11; empty: not clear
  std::vector<std::string> colours = {};  ///< that a part of it has: what is none of them is not its colour
};
struct SheetCount {
  std::string name = {};
  int count = 0;
  bool exact = false;  ///< else at least so many
};
struct SheetRelation {
  std::string subject = {}, predicate = {},
              object = {};  ///< ids; left of, right of, above, below, inside, overlapping, nearest
};
struct Sheet {
  std::vector<SheetObject> objects = {};
  std::vector<SheetCount> counts = {};
  std::vector<SheetRelation> relations = {};
  std::vector<std::string> uncertain =
      {};  ///< classes with an instance too small for a fact: never denied either
  std::vector<std::string> crowds = {};      ///< classes with a crowd region
  std::vector<std::string> exhaustive = {};  ///< classes whose absence may be concluded
  std::vector<std::string> stuff = {};
  /// Things of a class that people's texts deny: no facts, and their classes are uncertain (S4).
  std::vector<SheetObject> disputed = {};
};

/// A text that people wrote, as the stages work with it.
struct Source {
  std::string id = {};              ///< "N1", "K1", "A1", "V1", "T1": narrative, caption, alt, region, ocr
  std::string kind = {};            ///< narrative, caption, alt, region, ocr
  std::string raw = {}, text = {};  ///< text: after S2; equal to raw where nothing was repaired
  bool low_trust = false;  ///< the repair was refused by code, or the text may be about something else (alt)
  std::vector<std::string> unclear = {};
  std::string origin = {};  ///< InputText::source
};

struct Claim {
  std::string id = {};    ///< "C1"
  std::string type = {};  ///< existence, attribute, count, relation, action, text, scene
  std::string subject = {}, predicate = {}, object = {};
  std::string quote = {}, source = {};  ///< exact words, and the id of the Source they stand in
  std::string thing = {};               ///< id of the sheet's object it is about; empty: none or several
  std::vector<double> box = {};         ///< of traces or annotation; four numbers or none
  std::string by_source = {}, by_sheet = {},
              by_picture = {};  ///< supported, contradicted, unknown; empty: not asked
  bool by_code = false;         ///< by_sheet was decided without a language model
  bool accepted = false;
  std::string dropped = {};                ///< why not; empty where it is accepted
  std::vector<std::string> evidence = {};  ///< ids of sources, sheet objects and merged claims
  std::string request = {};                ///< id of the call that found it
};

struct Caption {
  std::string length = {};  ///< short, normal, long
  std::string text = {};
  bool human = false;  ///< verbatim
  std::vector<std::string> claims = {};
  std::string source = {};  ///< of a human one
  std::string generator = {}, request = {};
  std::string dropped = {};
};

struct Pair {
  std::string id = {};  ///< "count:0": unique within the picture
  std::string type =
      {};  ///< what, where, count, colour, action, relation, ocr, yesno, absent, premise, unknown
  std::string q = {}, a_short = {}, a_sentence = {};
  /// Ids of claims. Of the sheet's facts: "place:O1", "relation:O1:O2:above", "count:NAME"; what is absent
  /// cites "absent:NAME" (a class) or "seed:NAME" (of the list of nouns), what no picture shows
  /// "unseen:NAME".
  std::vector<std::string> claims = {};
  std::string polarity = {};  ///< pos, neg
  std::string about = {};     ///< class or noun that it asks for
  std::string twin = {};  ///< id of the pair of the same words with another answer; without it this goes too
  bool needs_detail = false;
  std::string instruction = {};  ///< "Answer briefly.", where the short answer is the trained one; else empty
  std::string style = {};        ///< the style card, for provenance
  std::string generator = {}, request = {};
  std::string by_text = {}, by_picture = {};  ///< S10: agree, differ, unknown; empty: not asked
  int judge = 0;                              ///< least of the judge's four marks; 0: not asked
  double weight = 1;
  std::string noise = "clean", asked = {};  ///< S11: profile, and q as it is trained, with its instruction
  std::string dropped = {};
};

/// S9. All instances of a label, or none of them.
struct Region {
  std::string id = {};    ///< "detect:0"
  std::string task = {};  ///< detect, point
  std::string label = {};
  std::vector<Box> boxes = {};
  std::vector<Point> points = {};
  std::vector<std::string> evidence = {};
  std::string asked = {};
  std::string dropped = {};
};

/// Of one call, in the order they were made.
struct CallNote {
  std::string stage = {}, id = {}, request = {}, outcome = {}, model = {};
};

struct Record {
  Input input;
  std::string status = "ok";  ///< ok; rejected (S0, a normal outcome); failed (quarantined)
  std::string reason = {};
  int attempts = 1;
  Picture picture = {};
  Sheet sheet = {};
  std::vector<Source> sources = {};
  std::vector<Claim> claims = {};
  std::vector<Caption> captions = {};
  std::vector<Pair> pairs = {};
  std::vector<Region> regions = {};
  std::vector<CallNote> calls = {};
  /// "S3/quote-not-in-source": what was dropped or repaired, for the report.
  std::map<std::string, std::int64_t> counts = {};
  /// By stage: record_hash() as the stage left the record, which a replay is held against.
  std::map<std::string, std::string> hashes = {};
  Json scratch = nullptr;  ///< of the stage that is under way, finish() included; never written

  const Claim* claim(const std::string& id) const;
  const Source* source(const std::string& id) const;
  /// Accepted ones in their order.
  std::vector<const Claim*> accepted() const;
  bool has_exhaustive(const std::string& name) const;
  void count(const std::string& what, std::int64_t by = 1) { counts[what] += by; }
};

}  // namespace moonbeam::pipeline

// What came out of a run over drawn scenes, held against their clean truth (data.md 8.2): prints one JSON
// object.
//
//   pipeline_acceptance WORK SCENES
//
// SCENES is what `moonbeam data scenes --noisy --format ...,gqa` wrote. What is kept is looked at: after S13
// to S15 where they have run.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/pipeline/reduce/reduce.h"
#include "data/scenes/atlas.h"
#include "tests/pipeline/tally.h"

int main(int argc, char** argv) {
  using namespace moonbeam;
  using namespace moonbeam::pipeline;
  if (argc != 3) {
    std::fputs("usage: pipeline_acceptance WORK SCENES\n", stderr);
    return 2;
  }
  const WorkFolder work(argv[1]);
  const mockllm::Truth truth(argv[2]);
  const data::LabelTable labels = data::LabelTable::load(data::find_data_folder() / "labels.tsv");
  const std::vector<mockllm::Noun> nouns = nouns_of(labels);
  const Lexicon lexicon(find_words_folder());
  const std::string path = decisions_path(argv[1]);
  const Decisions decisions = std::filesystem::exists(path) ? Decisions::load(path) : Decisions();
  Tally tally;
  std::size_t picture = 0;
  work.each_chunk(1, [&](std::size_t, std::vector<Record>& records, std::span<const RecordPlace>) {
    for (const Record& record : records) {
      const std::size_t at = picture++;
      const Scene* scene = truth.find(record.picture.sha256);
      if (record.status != "ok" || scene == nullptr) continue;
      for (const Claim& one : record.claims) tally.claim(*scene, one);
      const std::vector<Item> items = items_of(record);
      for (std::size_t i = 0; i < items.size(); ++i) {
        const bool kept = decisions.pictures.empty() ? dropped_before(record, items[i]).empty()
                                                     : decisions.kept(decisions.pictures[at].first_item + i);
        if (!kept) continue;
        if (items[i].kind == ItemKind::kCaption && !record.captions[items[i].index].human) {
          tally.caption(*scene, record.captions[items[i].index], nouns, lexicon);
        }
        if (items[i].kind == ItemKind::kPair) tally.pair(*scene, record.pairs[items[i].index]);
      }
    }
  });
  nlohmann::ordered_json by_type = nlohmann::ordered_json::object();
  for (const auto& [type, counts] : tally.by_type) by_type[type] = {counts.first, counts.second};
  std::cout << nlohmann::ordered_json({{"captions", tally.captions},
                                       {"mentions", tally.mentions},
                                       {"phantoms", share_of(tally.phantoms, tally.mentions)},
                                       {"colours", tally.colours},
                                       {"wrong_colours", share_of(tally.wrong_colours, tally.colours)},
                                       {"claims_true", tally.true_claims},
                                       {"claims_recall", share_of(tally.found, tally.true_claims)},
                                       {"claims_accepted", tally.accepted},
                                       {"claims_wrong", share_of(tally.wrong_claims, tally.accepted)},
                                       {"answers", tally.answers},
                                       {"unchecked", tally.unchecked},
                                       {"answers_right", 1 - share_of(tally.wrong, tally.answers)},
                                       {"yes_share", share_of(tally.yes, tally.yes + tally.no)},
                                       {"yes_no", tally.yes + tally.no},
                                       {"checked_wrong_by_type", by_type},
                                       {"other_things", tally.others},
                                       {"examples", tally.examples}})
                   .dump(1)
            << "\n";
  return 0;
}

#include "data/pipeline/reduce/s13_dedupe.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/error.h"
#include "data/formats/spill_sort.h"
#include "data/formats/vqa_answer.h"
#include "data/pipeline/reduce/decontaminate.h"
#include "data/pipeline/reduce/drop_list.h"
#include "data/pipeline/reduce/items.h"
#include "data/pipeline/reduce/pictures.h"

namespace moonbeam::pipeline {

namespace {

std::string bytes_of(std::uint64_t hash) {
  std::string out(sizeof hash, '\0');
  std::memcpy(out.data(), &hash, sizeof hash);
  return out;
}

std::uint32_t item_of(std::string_view bytes) {
  std::uint32_t out = 0;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

/// Texts of a chunk that have to be embedded: all at once, since an encoder may be far away.
class Texts {
 public:
  void want(const std::string& text) {
    if (places_.emplace(text, texts_.size()).second) texts_.push_back(text);
  }
  void embed(const Embedder& embed) {
    if (texts_.empty()) return;
    vectors_ = embed(texts_);
    if (vectors_.size() != texts_.size()) {
      base::fail(ErrorCode::kInvalidArgument, "embeddings: expected ", texts_.size(), " vectors, got ",
                 vectors_.size());
    }
  }
  std::span<const float> of(const std::string& text) const { return vectors_[places_.at(text)]; }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::string> texts_;
  std::vector<std::vector<float>> vectors_;
};

class Dedupe {
 public:
  Dedupe(const DedupeOptions& options, const Embedder& embed)
      : options_(options),
        embed_(embed),
        rules_(options),
        benchmarks_(options.gram),
        exact_({.folder = options.spill}),
        near_({.folder = options.spill}) {
    for (const std::string& file : options.benchmarks) benchmarks_.read(file);
    if (options.drop_list.empty()) return;
    clusters_ = DropList::load(options.drop_list);
    if (clusters_->embedder != options.embedder) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(options.drop_list), ": clusters of '",
                 base::printable(clusters_->embedder), "', but texts are embedded by '",
                 base::printable(options.embedder), "'");
    }
  }

  /// Looks at all pictures with the options' encoder, before add().
  void encode(const WorkFolder& work, int threads, PictureCounts& counts) {
    fates_ = encoded_fates(work, options_, rules_, threads, counts);
  }

  void add(int shard, std::vector<Record>& records, std::span<const RecordPlace> places) {
    shard_ = shard;
    Texts texts;
    for (const Record& record : records) want_texts(record, texts);
    texts.embed(embed_);
    for (std::size_t i = 0; i < records.size(); ++i) add(records[i], places[i], texts);
  }

  Decisions finish() {
    finish_exact();
    finish_near();
    return std::move(out_);
  }

 private:
  bool compares_meaning() const { return options_.cosine <= 1; }

  void want_texts(const Record& record, Texts& texts) const {
    if (record.status != "ok") return;
    std::map<std::string, int> answers;
    for (const Pair& pair : record.pairs) {
      if (pair.dropped.empty()) ++answers[data::normalised_answer(pair.a_short)];
    }
    for (const Pair& pair : record.pairs) {
      if (!pair.dropped.empty()) continue;
      if (compares_meaning() && answers[data::normalised_answer(pair.a_short)] > 1)
        texts.want(squeezed(pair.q));
      if (clusters_) texts.want(pair_text(pair.q, pair.a_short));
    }
  }

  void add(const Record& record, const RecordPlace& place, const Texts& texts) {
    const std::size_t first = out_.why.size();
    const std::vector<Item> items = items_of(record);
    if (first + items.size() >= kNone) {
      base::fail(ErrorCode::kUnsupported, "more than ", kNone - 1, " samples: reduce parts of the shards");
    }
    const auto picture = static_cast<std::uint32_t>(out_.pictures.size());
    out_.pictures.push_back({hash_of(record.input.key), place, static_cast<std::uint32_t>(first)});
    out_.why.resize(first + items.size(), Why::kKept);
    out_.of.resize(first + items.size(), kNone);
    const PictureFate fate = fates_.empty() ? rules_.next(record, shard_) : fates_[picture];
    if (fate.reason != Why::kKept) {
      const std::uint32_t like = fate.like == kNone ? kNone : out_.pictures[fate.like].first_item;
      for (std::size_t i = 0; i < items.size(); ++i) out_.drop(first + i, fate.reason, like);
      return;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!dropped_before(record, items[i]).empty()) out_.drop(first + i, Why::kEarlier);
    }
    drop_pairs(record, items, first, texts);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].kind == ItemKind::kCaption && out_.kept(first + i)) {
        add_caption(record.captions[items[i].index].text, static_cast<std::uint32_t>(first + i));
      }
    }
  }

  /// Pairs are compared within their picture: "Is there a dog?" may be asked of every one.
  void drop_pairs(const Record& record, const std::vector<Item>& items, std::size_t first,
                  const Texts& texts) {
    struct Seen {
      std::uint32_t item;
      std::string question;
      std::vector<std::uint64_t> bands;
    };
    std::map<std::string, std::vector<Seen>> by_answer;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].kind != ItemKind::kPair || !out_.kept(first + i)) continue;
      const Pair& pair = record.pairs[items[i].index];
      if (benchmarks_.covered(base::cat(pair.q, " ", pair.a_short)) > options_.covered) {
        out_.drop(first + i, Why::kBenchmark);
        continue;
      }
      if (clusters_ && clusters_->holds(texts.of(pair_text(pair.q, pair.a_short)))) {
        out_.drop(first + i, Why::kCluster);
        continue;
      }
      Seen one{static_cast<std::uint32_t>(first + i), squeezed(pair.q), {}};
      if (options_.min_hash.bands > 0) {
        one.bands = min_hash(letter_shingles(pair.q, options_.letters), options_.min_hash);
      }
      std::vector<Seen>& others = by_answer[data::normalised_answer(pair.a_short)];
      Why reason = Why::kKept;
      for (const Seen& other : others) {
        reason = compare(one.question, one.bands, other.question, other.bands, texts);
        if (reason == Why::kKept) continue;
        out_.drop(one.item, reason, other.item);
        break;
      }
      if (reason == Why::kKept) others.push_back(std::move(one));
    }
    drop_twins(record, items, first);
  }

  /// Half of a couple of yes and no would give its words away.
  void drop_twins(const Record& record, const std::vector<Item>& items, std::size_t first) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].kind != ItemKind::kPair || !out_.kept(first + i)) continue;
      const auto twin = twin_item(record, record.pairs[items[i].index]);
      if (twin && !out_.kept(first + *twin)) out_.drop(first + i, Why::kTwin);
    }
  }

  Why compare(const std::string& question, const std::vector<std::uint64_t>& bands, const std::string& other,
              const std::vector<std::uint64_t>& other_bands, const Texts& texts) const {
    if (options_.exact && question == other) return Why::kExact;
    for (std::size_t i = 0; i < bands.size(); ++i) {
      if (bands[i] == other_bands[i]) return Why::kNear;
    }
    const bool same = compares_meaning() && cosine(texts.of(question), texts.of(other)) > options_.cosine;
    return same ? Why::kMeaning : Why::kKept;
  }

  void add_caption(const std::string& text, std::uint32_t item) {
    const std::string_view number(reinterpret_cast<const char*>(&item), sizeof item);
    if (options_.exact) exact_.add(wide_hash(squeezed(text)), number);
    if (options_.min_hash.bands == 0) return;
    const std::vector<std::uint64_t> shingles = word_shingles(text, options_.words);
    if (shingles.empty()) return;
    for (const std::uint64_t band : min_hash(shingles, options_.min_hash)) near_.add(bytes_of(band), number);
  }

  /// Entries of one key come in the order they were added: the plan's.
  void finish_exact() {
    std::string key;
    std::uint32_t first = kNone;
    exact_.finish([&](std::string_view hash, std::string_view value) {
      const std::uint32_t item = item_of(value);
      if (hash != key || first == kNone) {
        key = hash;
        first = item;
      } else {
        out_.drop(item, Why::kExact, first);
      }
    });
  }

  void finish_near() {
    UnionFind sets(out_.why.size());
    std::string key;
    std::uint32_t first = kNone;
    near_.finish([&](std::string_view hash, std::string_view value) {
      const std::uint32_t item = item_of(value);
      if (!out_.kept(item)) return;
      if (hash != key || first == kNone) {
        key = hash;
        first = item;
      } else {
        sets.join(first, item);
      }
    });
    for (std::uint32_t item = 0; item < out_.why.size(); ++item) {
      const std::uint32_t like = sets.first(item);
      if (like != item) out_.drop(item, Why::kNear, like);
    }
  }

  const DedupeOptions& options_;
  const Embedder& embed_;
  PictureRules rules_;
  std::vector<PictureFate> fates_;  // of all pictures, where an encoder looked at them
  BenchmarkQuestions benchmarks_;
  std::optional<DropList> clusters_;
  int shard_ = 0;  // that is being read
  data::SpillSort exact_, near_;
  Decisions out_;
};

}  // namespace

void DedupeOptions::read(base::KeySection& section) {
  section.read("exact", exact);
  section.read("bands", min_hash.bands, 0, 1000);
  section.read("rows", min_hash.rows, 1, 100);
  section.read("words", words, 1, 100);
  section.read("letters", letters, 1, 100);
  section.read("cosine", cosine, 0, 2);
  section.read("picture_bits", picture_bits, -1, 15);
  section.read("picture_model", picture_model);
  section.read("picture_cosine", picture_cosine, 0, 2);
  section.read("evaluation", evaluation);
  section.read("benchmarks", benchmarks);
  section.read("gram", gram, 1, 100);
  section.read("covered", covered, 0, 1);
  section.read("drop_list", drop_list);
  section.read("quarantine", quarantine, 0, 1'000'000'000);
}

Decisions dedupe(const WorkFolder& work, const DedupeOptions& options, const Embedder& embed, int threads,
                 PictureCounts* counts) {
  Dedupe state(options, embed);
  PictureCounts ignored;
  if (options.encodes_pictures() && options.encoder == nullptr) {
    base::fail(ErrorCode::kUnsupported, "picture_model = ", base::printable(options.picture_model),
               ": there is no encoder here");
  }
  if (options.encodes_pictures()) state.encode(work, threads, counts != nullptr ? *counts : ignored);
  work.each_chunk(threads,
                  [&](std::size_t chunk, std::vector<Record>& records, std::span<const RecordPlace> places) {
                    state.add(work.chunks()[chunk].shard, records, places);
                  });
  Decisions out = state.finish();
  out.pipeline = work.pipeline();
  return out;
}

}  // namespace moonbeam::pipeline

#include "data/pipeline/report/measured.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/formats/vqa_answer.h"
#include "data/pipeline/reduce/text.h"
#include "data/scenes/blind.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::size_t kMostAnswers = 100'000;  // different ones of a type; more are "(others)"

constexpr std::size_t kWordsBesidePeople = 10;

std::string first_words(const std::string& text, std::size_t most) {
  std::string out;
  const std::vector<std::string> words = plain_words(text);
  for (std::size_t i = 0; i < std::min(words.size(), most); ++i) out += (i > 0 ? " " : "") + words[i];
  return out;
}

int word_count(const std::string& text) {
  return static_cast<int>(plain_words(text).size());
}

/// The least of the whole sample, by draws.
std::vector<std::string> first_texts(std::vector<std::pair<std::uint64_t, std::string>> drawn,
                                     std::size_t most) {
  std::sort(drawn.begin(), drawn.end());
  if (drawn.size() > most) drawn.resize(most);
  std::vector<std::string> out;
  for (auto& [draw, text] : drawn) out.push_back(std::move(text));
  return out;
}

constexpr std::size_t kAuditedAtOnce = 256;  // captions, whose calls are under way together

/// Claims of a caption that stand on evidence; facts of the sheet ("place:O1") do.
bool stands(const Record& record, const std::string& id) {
  const Claim* claim = record.claim(id);
  if (claim == nullptr) return id.find(':') != std::string::npos;
  return claim->accepted && claim->by_picture != "contradicted";
}

AnswerSpread spread_of(const std::map<std::string, std::int64_t>& counts) {
  AnswerSpread out;
  for (const auto& [answer, count] : counts) out.count += count;
  for (const auto& [answer, count] : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(out.count);
    out.entropy -= share * std::log(share);
    out.top = std::max(out.top, share);
  }
  return out;
}

std::vector<std::pair<std::string, double>> commonest(const std::map<std::string, std::int64_t>& counts,
                                                      std::size_t most) {
  std::int64_t all = 0;
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [name, count] : counts) all += count;
  for (const auto& [name, count] : counts) {
    out.emplace_back(name, static_cast<double>(count) / static_cast<double>(all));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace

void MonitorOptions::read(base::KeySection& section) {
  const auto count = [&](const char* key, std::size_t& value) {
    auto number = static_cast<std::int64_t>(value);
    section.read(key, number, 1, 10'000'000);
    value = static_cast<std::size_t>(number);
  };
  count("texts", texts);
  count("bleu_texts", bleu_texts);
  count("vendi_texts", vendi_texts);
  section.read("distinct_drop", distinct_drop, 0, 1);
  section.read("bleu_rise", bleu_rise, 0, 1);
  section.read("ratio_rise", ratio_rise, 0, 100);
  section.read("vendi_drop", vendi_drop, 0, 1);
  section.read("entropy_drop", entropy_drop, 0, 1);
  section.read("opener", opener, 0, 1);
  section.read("noun", noun, 0, 1);
  section.read("yes_low", yes_low, 0, 1);
  section.read("yes_high", yes_high, 0, 1);
  section.read("blind", blind, 0, 1);
  section.read("support", support, 0, 1);
  section.read("lengths", lengths, 0, 1);
  section.read("audit", audit, 0, 1);
  section.read("seldom", seldom, 0, 1'000'000);
}

void Measurer::keep(Sample& sample, Sampled one) const {
  sample.insert(std::move(one));
  if (sample.size() > options_.texts) sample.erase(std::prev(sample.end()));
}

std::vector<Measurer::Sampled> Measurer::in_order(const Sample& sample) {
  std::vector<Sampled> out(sample.begin(), sample.end());
  std::sort(out.begin(), out.end(), [](const Sampled& a, const Sampled& b) { return a.order < b.order; });
  return out;
}

void Measurer::add(const Record& record, const std::vector<bool>& kept) {
  const std::vector<Item> items = items_of(record);
  for (std::size_t i = 0; i < items.size(); ++i) {
    ++order_;
    if (!kept[i]) continue;
    const std::string id = sample_id(record, items[i]);
    if (items[i].kind == ItemKind::kCaption) add_caption(record, record.captions[items[i].index], id);
    if (items[i].kind == ItemKind::kPair) add_pair(record.pairs[items[i].index], id);
  }
}

void Measurer::add_caption(const Record& record, const Caption& caption, const std::string& id) {
  const std::uint64_t draw = hash_of(id);
  Sampled one{draw, order_, caption.text, {}, caption.length, -1};
  if (caption.human) return keep(human_, std::move(one));
  ++lengths_["captions " + caption.length][word_count(caption.text)];
  if (static_cast<double>(joined_hash(draw, 9) >> 11) * 0x1p-53 < options_.audit ||
      (audited_ == 0 && to_audit_.empty())) {
    if (auditor_ != nullptr && *auditor_) {
      to_audit_.push_back({record, static_cast<std::size_t>(&caption - record.captions.data())});
      if (to_audit_.size() == kAuditedAtOnce) audit();
    } else {
      for (const std::string& claim : caption.claims) {
        ++audited_;
        supported_ += stands(record, claim);
      }
    }
  }
  if (caption.length == "short") keep(short_, one);
  keep(captions_, std::move(one));
}

void Measurer::audit() {
  if (to_audit_.empty()) return;
  const AuditCounts counts = (*auditor_)(to_audit_);
  audited_ += counts.claims;
  supported_ += counts.supported;
  to_audit_.clear();
}

void Measurer::add_pair(const Pair& pair, const std::string& id) {
  const std::string answer = data::normalised_answer(pair.a_short.empty() ? pair.a_sentence : pair.a_short);
  const int yes = yes_of(pair);
  yes_ += yes == 1;
  no_ += yes == 0;
  auto& counts = answers_[pair.type];
  if (counts.size() < kMostAnswers || counts.contains(answer)) {
    ++counts[answer];
  } else {
    ++counts["(others)"];
  }
  // Of a short list of classes each absent one is asked for often, and S8 draws them evenly: what a model may
  // have chosen is the rest.
  const bool of_list = std::any_of(pair.claims.begin(), pair.claims.end(),
                                   [](const std::string& one) { return one.starts_with("absent:"); });
  if (pair.type == "premise" && !of_list && !pair.about.empty()) nouns_.push_back(squeezed(pair.about));
  const bool brief = !pair.instruction.empty() || pair.a_sentence.empty();
  ++lengths_[brief ? "short" : "sentence"][word_count(answer_of(pair))];
  ++lengths_["questions"][word_count(pair.q)];
  keep(questions_, {hash_of(id), order_, pair.q, answer, pair.type, yes});
}

void Measurer::measure_texts(const std::string& name, const std::vector<Sampled>& sample,
                             const Embedder& embed, Measured& out) const {
  if (sample.empty()) return;
  std::vector<std::string> texts;
  std::vector<std::pair<std::uint64_t, std::string>> drawn;
  for (const Sampled& one : sample) {
    texts.push_back(one.text);
    drawn.emplace_back(one.draw, one.text);
  }
  for (int n = 1; n <= 4; ++n) out.values[base::cat("M1.", name, ".", n)] = distinct_n(texts, n);
  out.values["M2." + name] = self_bleu(first_texts(drawn, options_.bleu_texts));
  out.values["M3." + name] = compression_ratio(texts);
  out.values["M5." + name] = vendi_score(embed(first_texts(drawn, options_.vendi_texts)));
  out.counts[name] = static_cast<std::int64_t>(texts.size());
}

void Measurer::measure_openers(const std::string& name, const Sample& sample, Shares& shares,
                               Measured& out) const {
  if (sample.empty()) return;
  std::vector<std::string> texts;
  for (const Sampled& one : sample) texts.push_back(one.text);
  shares = opener_shares(texts);
  out.values["M4." + name] = shares[0].second;
}

/// Generated captions and people's, as many of both and cut to as many words: all that M1 to M5 measure
/// depends on how much text there is.
void Measurer::measure_beside_people(const Embedder& embed, Measured& out) const {
  const std::size_t count = std::min(short_.size(), human_.size());
  const auto first = [&](const Sample& sample) {
    Sample some;
    for (const Sampled& one : sample) {
      if (some.size() == count) break;
      Sampled cut = one;
      cut.text = first_words(one.text, kWordsBesidePeople);
      some.insert(std::move(cut));
    }
    return in_order(some);
  };
  measure_texts("short", first(short_), embed, out);
  measure_texts("human", first(human_), embed, out);
}

void Measurer::measure_answers(Measured& out) const {
  for (const auto& [type, counts] : answers_) {
    const AnswerSpread spread = spread_of(counts);
    out.values["M7.entropy." + type] = spread.entropy;
    out.values["M7.top." + type] = spread.top;
    out.counts["M7." + type] = spread.count;
    out.answers[type] = commonest(counts, 10);
  }
  if (yes_ + no_ > 0) out.values["M7.p_yes"] = static_cast<double>(yes_) / static_cast<double>(yes_ + no_);
  out.counts["M7.p_yes"] = yes_ + no_;
  if (!nouns_.empty()) {
    std::vector<std::string> sorted = nouns_;
    const NounShares shares = noun_shares(sorted, seeds_);
    out.values["M6.divergence"] = shares.divergence;
    out.values["M6.top"] = shares.top[0].second;
    out.nouns = shares.top;
  }
  out.counts["M6"] = static_cast<std::int64_t>(nouns_.size());
  if (audited_ > 0) out.values["M9"] = static_cast<double>(supported_) / static_cast<double>(audited_);
  out.counts["M9"] = audited_;
}

void Measurer::measure_blind(Measured& out) const {
  std::vector<data::BlindSample> yes_no, refusals;
  for (const Sampled& one : in_order(questions_)) {
    if (one.yes >= 0) yes_no.push_back({one.text, one.yes == 1 ? "yes" : "no"});
    // Questions of yes and no have their own test; among the others, what is refused.
    if (one.yes < 0)
      refusals.push_back({one.text, one.type == "premise" || one.type == "unknown" ? "refuse" : "answer"});
  }
  const auto add = [&](const std::string& name, const std::vector<data::BlindSample>& samples) {
    out.counts["M8." + name] = static_cast<std::int64_t>(samples.size());
    const bool both = std::any_of(samples.begin(), samples.end(), [&](const data::BlindSample& one) {
      return one.answer != samples[0].answer;
    });
    if (both) out.values["M8." + name] = data::blind_regression(samples).margin();
  };
  add("yes_no", yes_no);
  add("refuse", refusals);
}

Measured Measurer::measure(const Embedder& embed) {
  Measured out;
  audit();
  measure_texts("captions", in_order(captions_), embed, out);
  measure_texts("questions", in_order(questions_), embed, out);
  measure_openers("captions", captions_, out.caption_openers, out);
  measure_openers("questions", questions_, out.question_openers, out);
  measure_beside_people(embed, out);
  measure_answers(out);
  measure_blind(out);
  out.lengths = lengths_;
  return out;
}

}  // namespace moonbeam::pipeline

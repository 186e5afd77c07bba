#include "data/pipeline/report/report.h"

#include <gtest/gtest.h>
#include <moonbeam/image.h>

#include <algorithm>

#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

const Embedder kEmbed = hashed_embedder();

std::vector<std::string> seeds() {
  std::vector<std::string> out;
  for (int i = 0; i < 400; ++i) out.push_back("seed" + std::to_string(i));
  std::sort(out.begin(), out.end());
  return out;
}

/// Questions whose words say nothing of the answer, and absurd ones about all seeds alike.
std::vector<std::vector<Record>> sound_records(int pictures) {
  const std::string things[] = {"dog", "cat", "cup", "car", "tree"},
                    colours[] = {"red", "blue", "green", "white"};
  std::vector<std::vector<Record>> out(4);
  for (int i = 0; i < pictures; ++i) {
    Record record = test_record(i);
    const std::string thing = things[i % 5], colour = colours[i / 5 % 4], other = things[(i + 1) % 5];
    const std::string place = "place" + std::to_string(i % 37), mark = "mark" + std::to_string(i % 41);
    record.captions = {test_caption("short", mark + " " + thing + " in " + colour + " at " + place),
                       test_caption("short", mark + " " + thing + " of " + colour + " by " + place)};
    record.captions[1].human = true;
    record.captions[0].claims = {"C1"};
    record.claims = {{.id = "C1", .type = "existence", .subject = thing, .accepted = true}};
    const bool yes = i / 7 % 2 == 0;
    record.pairs = {test_pair("yesno:0", thing + " here with " + mark + "?", yes ? "yes" : "no"),
                    test_pair("colour:0", mark + " what color is " + thing + "?", colour),
                    test_pair("premise:0", mark + " what color is " + other + "?", "not there")};
    record.pairs[0].about = thing;
    record.pairs[2].about = "seed" + std::to_string(i % 400);
    record.counts["S3/quote-not-in-source"] = 1;
    out[i * 4 / pictures].push_back(std::move(record));
  }
  return out;
}

Report report_of(const base::TestFolder& folder, ReportOptions options = {}) {
  const std::vector<std::string> nouns = seeds();
  return make_report(WorkFolder(folder / "work"), options, nouns, kEmbed);
}

std::vector<std::string> alerts(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& one : findings) {
    if (one.alert) out.push_back(one.monitor + " " + one.what);
  }
  return out;
}

const Finding& finding(const Report& report, const std::string& what) {
  const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                  [&](const Finding& one) { return one.what == what; });
  if (found == report.findings.end()) throw std::runtime_error("no finding " + what);
  return *found;
}

TEST(Report, FindsNothingInSoundData) {
  const base::TestFolder folder;
  make_work(folder, sound_records(600));
  const Report report = report_of(folder);
  EXPECT_EQ(alerts(report.findings), std::vector<std::string>{});
  for (const ShardFindings& one : report.shards) EXPECT_EQ(alerts(one.findings), std::vector<std::string>{});
  EXPECT_FALSE(report.alert());
  EXPECT_EQ(report.pictures.at("ok"), 600);
  EXPECT_EQ(report.filters.at("S3/quote-not-in-source"), 600);
  EXPECT_EQ(report.samples.at("query colour"), 600);
  EXPECT_EQ(report.shards.size(), 2u);
  EXPECT_EQ(report.run.counts.at("M6"), 600);
  EXPECT_FALSE(report.reduced);
}

TEST(Report, SeesDinosaursYesMenAndWordsThatGiveAnswersAway) {
  const base::TestFolder folder;
  auto chunks = sound_records(600);
  for (auto& chunk : chunks) {
    for (Record& record : chunk) {
      record.pairs[0].a_short = "yes";
      record.pairs[1].q = "What do you see here? " + record.pairs[1].q;
      if (record.input.ordinal % 2 == 0) {
        record.pairs[2].about = "dinosaur";
        record.pairs[2].q = "What is the dinosaur doing with " + record.pairs[2].q;
      }
      record.claims[0].accepted = record.input.ordinal % 20 != 0;
    }
  }
  make_work(folder, chunks);
  ReportOptions options;
  options.monitors.audit = 1;
  const Report report = report_of(folder, options);
  EXPECT_TRUE(report.alert());
  EXPECT_TRUE(finding(report, "commonest noun of absurd questions").alert);
  EXPECT_TRUE(finding(report, "share of yes").alert);
  EXPECT_TRUE(finding(report, "commonest opening of questions").alert);
  EXPECT_TRUE(finding(report, "margin of words alone: refused or answered").alert);
  EXPECT_TRUE(finding(report, "claims of captions with evidence").alert);
  EXPECT_TRUE(report.shards[0].alert());
  const std::string html = report_html(report, options);
  EXPECT_NE(html.find("Limits are passed"), std::string::npos);
  EXPECT_NE(html.find("class=\"red\""), std::string::npos);
  EXPECT_TRUE(report_json(report)["alert"]);
}

TEST(Report, ASecondVerifierIsHeardAboutCaptions) {
  const base::TestFolder folder;
  make_work(folder, sound_records(60));
  ReportOptions options;
  options.monitors.audit = 1;
  std::int64_t captions = 0;
  options.auditor = [&](const std::vector<AuditItem>& items) {
    for (const AuditItem& one : items) EXPECT_FALSE(one.record.captions.at(one.caption).human);
    captions += static_cast<std::int64_t>(items.size());
    const auto claims = static_cast<std::int64_t>(10 * items.size());
    return AuditCounts{claims, claims - static_cast<std::int64_t>(items.size())};
  };
  options.auditor_name = "second";
  const Report report = report_of(folder, options);
  EXPECT_GT(captions, 0);
  EXPECT_TRUE(finding(report, "claims of captions with evidence").alert);
  EXPECT_NEAR(finding(report, "claims of captions with evidence").value, 0.9, 1e-9);
  EXPECT_EQ(report_json(report)["auditor"], "second");
}

TEST(Report, DoesNotTakeLengthForCollapse) {
  const base::TestFolder folder;
  auto chunks = sound_records(300);
  for (auto& chunk : chunks) {
    for (Record& record : chunk) {
      record.captions.push_back(record.captions[0]);
      record.captions.back().length = "long";
      for (int i = 0; i < 9; ++i) record.captions.back().text += " and " + record.captions[0].text;
    }
  }
  make_work(folder, chunks);
  EXPECT_FALSE(report_of(folder).alert());
}

TEST(Report, ComparesWithAnEarlierOne) {
  const base::TestFolder folder;
  make_work(folder, sound_records(300));
  const Report before = report_of(folder);
  ReportOptions options;
  folder.put("before.json", report_json(before).dump());
  options.read_reference(folder / "before.json");
  EXPECT_EQ(options.reference->values, before.run.values);
  const Report same = report_of(folder, options);
  EXPECT_EQ(alerts(same.findings), std::vector<std::string>{});
  for (const ShardFindings& one : same.shards) EXPECT_EQ(alerts(one.findings), std::vector<std::string>{});
  auto chunks = sound_records(300);
  for (auto& chunk : chunks) {
    for (Record& record : chunk) {
      record.captions[0].text = "red dog mark at place" + std::to_string(record.input.ordinal % 2);
      for (Pair& pair : record.pairs) pair.a_short += " and a great deal of other words behind it";
    }
  }
  const base::TestFolder collapsed;
  make_work(collapsed, chunks);
  const Report after = report_of(collapsed, options);
  EXPECT_TRUE(finding(after, "distinct runs of 2 words, captions").alert);
  EXPECT_TRUE(finding(after, "self-BLEU, captions").alert);
  EXPECT_TRUE(finding(after, "compression ratio, captions").alert);
  EXPECT_TRUE(finding(after, "Vendi score, captions").alert);
  EXPECT_TRUE(finding(after, "distance of lengths, short").alert);
  EXPECT_TRUE(finding(after, "distinct runs of 2 words, short captions beside people's").alert);
  EXPECT_TRUE(after.shards[0].alert());
  folder.put("before.json", "{}");
  EXPECT_THROW(options.read_reference(folder / "before.json"), Error);
}

TEST(Report, IsTheSameWhateverTheOrderOnDiskAndTheThreads) {
  const base::TestFolder a, b;
  make_work(a, sound_records(200));
  make_work(b, sound_records(200), /*backwards=*/true);
  ReportOptions options, threads;
  threads.threads = 3;
  EXPECT_EQ(report_html(report_of(a), options), report_html(report_of(b, threads), threads));
}

TEST(Report, ShowsCostPicturesAndWhatBecameOfThem) {
  const base::TestFolder folder;
  auto chunks = sound_records(8);
  chunks[0][0].captions[0].text = "<script>alert(1)</script> & more";
  chunks[0][0].captions[1].text = "another";
  chunks[3][1].status = "rejected";
  chunks[3][1].reason = "S0/small";
  make_work(folder, chunks);
  folder.put(
      "work/ledger/worker-0.jsonl",
      R"({"stage":"S3","model":"w","status":"answer","prompt":100,"completion":20,"cached":0,"price":0.5,"gpu_s":36})"
      "\n"
      R"({"stage":"S4","model":"v","status":"busy","prompt":0,"completion":0,"cached":0,"price":0,"gpu_s":0})"
      "\nnot a line\n");
  save_jpeg(Image{8, 900, std::vector<std::uint8_t>(8 * 900 * 3, 90)}, folder / "pictures/0.jpg");
  ReduceOptions reduce_options;
  reduce(WorkFolder(folder / "work"), reduce_options, {folder / "out", folder / "pictures", {"a41b", ""}},
         kEmbed);
  ReportOptions options;
  options.pictures = folder / "pictures";
  const Report report = report_of(folder, options);
  EXPECT_TRUE(report.reduced);
  EXPECT_EQ(report.costs.total.calls, 2);
  EXPECT_EQ(report.costs.unread, 1);
  EXPECT_EQ(report.costs.by_stage.at("S3").usage.prompt, 100);
  EXPECT_EQ(report.reasons.at("S0/small"), 1);
  const std::string html = report_html(report, options);
  EXPECT_NE(html.find("data:image/jpeg;base64,"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(html.find("<script>"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(html.find("0.01"), std::string::npos);  // GPU hours
}

TEST(MonitorOptions, AreReadFromARecipe) {
  auto sections = base::parse_key_file("[report]\nblind = 0.02\ntexts = 100\n", "r.toml");
  MonitorOptions options;
  options.read(sections.back());
  sections.back().refuse_unread();
  EXPECT_EQ(options.blind, 0.02);
  EXPECT_EQ(options.texts, 100u);
}

TEST(Report, RefusesDecisionsOfOtherChunks) {
  const base::TestFolder folder;
  make_work(folder, sound_records(8));
  reduce(WorkFolder(folder / "work"), {}, {folder / "out", folder / "pictures", {"a41b", ""}}, kEmbed);
  make_work(folder, sound_records(12));
  EXPECT_THROW(report_of(folder), Error);
}

}  // namespace
}  // namespace moonbeam::pipeline

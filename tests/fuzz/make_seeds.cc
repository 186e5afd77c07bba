// Writes small seeds for the fuzz targets into FOLDER/TARGET, cut from the
// goldens: small tensors in the files' own names, the first tokens and merges of the tokenizer.
#include <moonbeam/error.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "base/file.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/tokenizer_data.h"

namespace {

using namespace moonbeam;

std::vector<formats::TensorToWrite> small_tensors(const formats::WeightFile& file, int rank,
                                                  std::int64_t most_bytes) {
  std::vector<formats::TensorToWrite> out;
  for (const formats::NamedTensor& tensor : file.tensors) {
    const tensor::TensorView view = tensor.view;
    if (view.bytes() > most_bytes || view.shape.rank() < rank || out.size() == 6) continue;
    out.push_back({tensor.name, view.dtype, view.shape, [view](const auto& sink) {
                     sink(std::span(view.data, static_cast<std::size_t>(view.bytes())));
                   }});
  }
  return out;
}

// Of the whole tokenizer: a vocabulary of `tokens` and the merges that stay inside it.
formats::TokenizerData cut(const formats::TokenizerData& whole, std::size_t tokens) {
  formats::TokenizerData out = whole;
  out.tokens.resize(std::min(tokens, out.tokens.size()));
  std::erase_if(out.added, [&](const auto& token) { return static_cast<std::size_t>(token.id) >= tokens; });
  const auto known = [&](const std::string& token) {
    return std::find(out.tokens.begin(), out.tokens.end(), token) != out.tokens.end();
  };
  std::erase_if(out.merges, [&](const auto& merge) {
    return !known(merge.first) || !known(merge.second) || !known(merge.first + merge.second);
  });
  return out;
}

void write_text(const std::string& path, const std::string& text) {
  base::AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::vector<std::pair<std::string, formats::GgufValue>> gguf_keys(const formats::TokenizerData& tokenizer) {
  std::vector<std::string> merges;
  for (const auto& [left, right] : tokenizer.merges) merges.push_back(left + " " + right);
  std::vector<std::int64_t> types(tokenizer.tokens.size(), 1);
  for (const auto& token : tokenizer.added) types[static_cast<std::size_t>(token.id)] = token.special ? 3 : 4;
  return {{"general.architecture", std::string("phi2")},
          {"phi2.block_count", std::uint64_t{24}},
          {"phi2.attention.layer_norm_epsilon", 1e-5},
          {"tokenizer.ggml.add_bos_token", false},
          {"tokenizer.ggml.model", std::string("gpt2")},
          {"tokenizer.ggml.tokens", tokenizer.tokens},
          {"tokenizer.ggml.token_type", types},
          {"tokenizer.ggml.merges", merges},
          {"clip.vision.image_mean", std::vector<double>{0.5, 0.5, 0.5}}};
}

/// A record of each format behind the byte that chooses its reader (annotations_fuzz.cc), runs, an archive.
void make_annotation_seeds(const std::string& folder) {
  const std::string texts[] = {
      R"({"images":[{"id":7,"file_name":"a.jpg","width":5,"height":4}],"categories":[{"id":1,"name":"dog"}],"annotations":[{"id":5,)"
      R"("image_id":7,"category_id":1,"bbox":[1,1,3,2],"area":6,"iscrowd":0,"segmentation":{"size":[4,5],"counts":"5220003"}}]})",
      R"({"images":[],"annotations":[{"id":1,"image_id":7,"caption":"a dog"}]})",
      R"({"annotations":[{"image_id":7,"file_name":"a.png","segments_info":[{"id":9,"category_id":1,"area":3,"bbox":[0,0,1,1]}]}]})",
      R"({"dataset_id":"d","image_id":"7","caption":"a dog","timed_caption":[{"utterance":"a","start_time":0,"end_time":1}],"traces":[[{"x":0.5,"y":0.5,"t":1}]]})",
      R"({"ref_id":1,"ann_id":2,"image_id":7,"split":"val","file_name":"a_000000000007_1.jpg","sentences":[{"sent_id":3,"sent":"dog","tokens":["dog"]}],"bbox":[1,2,3,4]})",
      R"([{"image_id":2,"objects":[{"object_id":70,"x":30,"y":100,"w":80,"h":60,"names":["dog"]}]}])",
      R"([{"id":"7","image":"a.jpg","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt","value":"A dog."}]}])",
      R"({"v":1,"id":"x","image":{"key":"a","w":5,"h":4},"task":"detect","turns":[{"q":"dog"}],"regions":[{"label":"dog","box":[0.1,0.2,0.3,0.4]}]})"};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    write_text(folder + "/annotations/" + std::to_string(i), static_cast<char>(i) + texts[i]);
  }
  write_text(folder + "/run_lengths/string", std::string("\0Xo0n0Zn01O1ogm2", 16));
  write_text(folder + "/run_lengths/outline", std::string("\1") + std::string(64, '@'));
  std::string header("1.json");
  header.resize(512, '\0');
  header.replace(124, 11, "00000000002");
  header.replace(148, 8, std::string("002533\0 ", 8));
  header[156] = '0';
  write_text(folder + "/shard/one", header + "[]" + std::string(510 + 1024, '\0'));
}

void make_seeds(const std::string& folder) {
  make_annotation_seeds(folder);
  const std::string goldens = MOONBEAM_SOURCE_DIR "/tests/goldens/";
  const auto model = formats::open_safetensors(goldens + "tiny/model.safetensors");
  const auto quant = formats::open_safetensors(goldens + "ops/quant.safetensors");
  formats::write_safetensors(folder + "/safetensors/none", {}, {});
  formats::write_safetensors(folder + "/safetensors/model", small_tensors(model, 0, 600), model.metadata);
  formats::write_safetensors(folder + "/safetensors/quant", small_tensors(quant, 0, 2000), {});

  const auto text = base::read_file(goldens + "tiny/tokenizer.json", std::size_t{1} << 24);
  const auto tokenizer = cut(formats::parse_tokenizer_json(text, "tokenizer.json"), 280);
  write_text(folder + "/tokenizer_json/tiny", formats::write_tokenizer_json(tokenizer));
  formats::TokenizerData rich = cut(tokenizer, 40);
  rich.nfc = rich.ignore_merges = true;
  formats::PreTokenizer split;
  split.kind = formats::PreTokenizer::Kind::kSplit;
  split.pattern = "\\s+(?!\\S)|\\p{L}+";
  rich.pre_tokenizers.insert(rich.pre_tokenizers.begin(), split);
  rich.added.push_back({.id = 50, .content = "  ", .normalized = true, .lstrip = true});
  write_text(folder + "/tokenizer_json/rich", formats::write_tokenizer_json(rich));

  formats::write_gguf(folder + "/gguf/none", {}, {});
  formats::write_gguf(folder + "/gguf/text", gguf_keys(cut(tokenizer, 40)), small_tensors(model, 1, 600));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_seeds FOLDER\n", stderr);
    return 1;
  }
  try {
    make_seeds(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

#!/bin/sh
# What fine-tuning does: 200 drawn pictures of five things that a model has never seen, before and after, and
# what became of the things that it knew. Everything, an adapter and the region heads are trained in turn.
#
#   tools/finetune_demo.sh -m tiny -k 100 demo
#
# The five things are the rows of data/labels.tsv behind the first KNOWN ones. A label table of these alone makes
# `data scenes` draw nothing else (shapes apart), and `eval scenes` ask about nothing else.
set -eu

model=tiny known=100 pictures=200 scenes=150 recipes="finetune lora region" threads=0 steps=
moonbeam=${MOONBEAM:-build/train/apps/cli/moonbeam}
while getopts m:k:n:e:r:t:s: option; do
  case $option in
    m) model=$OPTARG ;; k) known=$OPTARG ;; n) pictures=$OPTARG ;; e) scenes=$OPTARG ;; r) recipes=$OPTARG ;;
    t) threads=$OPTARG ;; s) steps=$OPTARG ;;
    *) echo "usage: $0 [-m MODEL] [-k KNOWN] [-n PICTURES] [-e SCENES] [-r 'RECIPE...'] [-t THREADS] [-s STEPS] FOLDER" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
out=${1:?usage: $0 [OPTIONS] FOLDER}
source=${MOONBEAM_DATA:-data}
mkdir -p "$out/new"

# Five new things, and the drawings of all. What looks like them (columns 9 and 10) is not in this table.
grep -v '^#' "$source/labels.tsv" | awk -F'\t' -v OFS='\t' -v known="$known" \
  'NR == 1 || (NR > known + 1 && NR <= known + 6) { if (NR > 1) $9 = $10 = "-"; print }' >"$out/new/labels.tsv"
ln -sf "$(realpath "$source/atlas.tar")" "$out/new/atlas.tar"
echo "new things: $(awk -F'\t' 'NR > 1 { printf "%s%s", sep, $1; sep = ", " }' "$out/new/labels.tsv")"

[ -e "$out/pictures/dataset.json" ] || MOONBEAM_DATA="$out/new" "$moonbeam" data scenes --quiet --n "$pictures" --seed 41 \
  --split train --classes 5 --format canonical --out "$out/pictures"

# evaluate NAME MODEL: a line for the new things, one for the old.
figure() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$1" | head -1; }
evaluate() {
  MOONBEAM_DATA="$out/new" "$moonbeam" eval scenes -m "$2" --threads "$threads" --n "$scenes" --seed 77 --classes 5 --json --quiet \
    >"$out/$1-new.json"
  "$moonbeam" eval scenes -m "$2" --threads "$threads" --n "$scenes" --seed 77 --classes "$known" --json --quiet >"$out/$1-old.json"
  for kind in new old; do
    file=$out/$1-$kind.json
    printf '%-10s %-4s' "$1" "$kind"
    for key in exist count name detect_f1 absent_boxes point caption_precision caption_recall; do
      printf ' %12.12s' "$(figure "$file" $key)"
    done
    printf '\n'
  done
}

printf '%-15s' ''
for key in exist count name detect_f1 absent point cap_precision cap_recall; do printf ' %12.12s' $key; done
printf '\n'
evaluate before "$model"
for recipe in $recipes; do
  sed -e "s/^classes = .*/classes = $known/" ${steps:+-e "s/^steps = .*/steps = $steps/"} "train/recipes/$recipe.toml" \
    >"$out/$recipe.toml"
  start=$(date +%s)
  [ -d "$out/run-$recipe/model" ] || "$moonbeam" train "$out/$recipe.toml" --init "$model" --threads "$threads" --quiet \
    --data "$out/pictures/canonical/samples.jsonl" --images "$out/pictures/images" --out "$out/run-$recipe"
  echo "$recipe: $(($(date +%s) - start)) s"
  evaluate "$recipe" "$out/run-$recipe/model"
done

#!/bin/sh
# Trains on the two machines of tests/support/slurm.sh, kills one rank, and goes on.
#
#   train/slurm_test.sh PATH/moonbeam-train
#
# Prints "skipped: ..." where Slurm is not there.
set -eu

trainer=$1
tree=$(cd "$(dirname "$0")/.." && pwd)
. "$tree/tests/support/slurm.sh"

# A rank writes its process's number down, so that the test can kill one.
cat > "$work/rank.sh" <<'END'
#!/bin/sh
echo $$ > "$RANKS/pid.$SLURM_PROCID"
exec "$@" 2> "$RANKS/rank.$SLURM_PROCID"
END
chmod +x "$work/rank.sh"
export RANKS="$work" OMP_NUM_THREADS=1
# 64 steps: seconds on any machine, so that there is time to kill a rank in the middle.
sed -e "s|\.\./\.\./tests|$tree/tests|" -e 's/steps = 50/steps = 4/' -e 's/steps = 100/steps = 60/' \
  -e 's/_every = [0-9]*/_every = 5/' -e 's/validate_scenes = 16/validate_scenes = 2/' \
  -e 's/^batch = 32/batch = 4/' -e 's/scene_batch = 8/scene_batch = 2/' -e 's/^batch = 8/batch = 2/' \
  "$tree/train/recipes/smoke.toml" > "$work/recipe.toml"

step() { srun -N 2 -n 2 --ntasks-per-node=1 "$work/rank.sh" "$trainer" "$@" --threads 1 --log-every 1 --quiet; }
lines() { [ -f "$1/log.jsonl" ] && [ "$(wc -l < "$1/log.jsonl")" -ge "$2" ]; }

step "$work/recipe.toml" --out "$work/whole" > "$work/whole.err" 2>&1 || fail "two ranks could not train"
[ -f "$work/whole/model/model.safetensors" ] || fail "two ranks made no model"

step "$work/recipe.toml" --out "$work/killed" > "$work/killed.err" 2>&1 &
job=$!
wait_until 120 "the run has learnt something" lines "$work/killed" 9
kill -9 "$(cat "$work/pid.1")"
if wait $job; then fail "a run without one of its ranks ended well"; fi
grep -q "rank 1 (.*is lost" "$work/rank.0" || fail "rank 0 did not name the rank that was killed: $(cat "$work/rank.0")"
grep -q '"step":64' "$work/killed/log.jsonl" && fail "the run was over before a rank was killed"

step --resume "$work/killed" > "$work/resumed.err" 2>&1 || fail "the run did not go on"
without_clock() { sed -e 's/,"pictures_per_s":[^,}]*//' -e 's/,"seconds":[^,}]*//' "$1/log.jsonl"; }
without_clock "$work/whole" > "$work/whole.lines"
without_clock "$work/killed" > "$work/killed.lines"
cmp "$work/whole.lines" "$work/killed.lines" || fail "the run that went on is not the unbroken one"
echo "two ranks trained under Slurm, one was killed, the run went on"

#!/bin/sh
# The pipeline as an array of eight Slurm jobs on two machines, one of which is lost in the middle: what is
# missing is submitted again, and the training shards are those of a run on one machine.
#
#   tests/pipeline/slurm_test.sh PATH/moonbeam
#
# Prints "skipped: ..." where Slurm is not there.
set -eu

moonbeam=$1
tree=$(cd "$(dirname "$0")/../.." && pwd)
. "$tree/tests/support/slurm.sh"

cd "$work"
"$moonbeam" data scenes --quiet -n 48 --seed 5 --noisy --format coco,narratives,alttext,gqa --out set
"$moonbeam" mockllm --port 0 --truth set --latency 30 --quiet > address 2> mock.err &
pids="$! $pids"
wait_until 60 "the mock listens" test -s address
echo "[{\"url\": \"$(head -n 1 address)\"}]" > servers.json
cat > run.toml <<END
[inputs]
name = scenes
images = set/images
instances = set/coco/instances.json
captions = set/coco/captions.json
narratives = set/narratives/val-seed_localized_narratives.jsonl
alt = set/alttext/alttext.jsonl
licence = Apache-2.0
[client]
servers = servers.json
[models]
writers = a:0.6, b:0.4
verifier = c
vision = eyes
[plan]
shard = 6
chunk = 3
[run]
lease_s = 10
END

"$moonbeam" data run run.toml --work whole --quiet || fail "a run on this machine failed"

jobs=$("$moonbeam" data submit run.toml --work cluster --slurm --no-finish --quiet) || fail "could not submit"
committed() { [ "$(find cluster/shards -name '*.done' 2>/dev/null | wc -l)" -ge "$1" ]; }
over() { [ -z "$(squeue -h)" ]; }
wait_until 300 "some chunks are there" committed 3
committed 16 && fail "the run was over before a machine was lost"
# The machine goes with all that runs on it.
lost=$(cat slurmd-0x7f000002.own)
for process in /proc/[0-9]*; do
  environment=$(cat "$process/environ" 2>/dev/null | tr '\0' '\n')
  case $environment in
    *"SLURM_CONF=$SLURM_CONF"*SLURMD_NODENAME=0x7f000002* | *SLURMD_NODENAME=0x7f000002*"SLURM_CONF=$SLURM_CONF"*)
      lost="$lost $(basename "$process")" ;;
  esac
done
kill -9 $lost 2>/dev/null || :
wait_until 400 "the array is over" over
# Where Slurm did not queue its tasks again, they are submitted again: only what is missing.
missing=$("$moonbeam" data submit run.toml --work cluster --slurm --no-finish --print --quiet | sed -n 's/.*--array=0-\([0-9]*\) .*/\1/p')
echo "jobs $jobs; missing after the loss: ${missing:-none}"
[ -z "$missing" ] || [ "$missing" -lt 7 ] || fail "what was done is submitted again"
"$moonbeam" data submit run.toml --work cluster --slurm --quiet > again || fail "could not submit again"
wait_until 400 "the rest is there" over
[ -f cluster/out/manifest.jsonl ] || { cat cluster/slurm/*.out >&2; fail "no shards were written"; }
diff -r whole/shards cluster/shards || fail "other records than those of one machine"
diff -r whole/out cluster/out || fail "other shards than those of one machine"
echo "an array of eight lost a machine; the same bytes came out"

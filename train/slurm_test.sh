#!/bin/sh
# Trains on two virtual machines of a Slurm of its own (munged, slurmctld, two slurmd; all in a temporary
# folder, no service of the system is touched), kills one rank, and goes on.
#
#   train/slurm_test.sh PATH/moonbeam-train
#
# Debian: tools/install-packages slurm. Prints "skipped: ..." where Slurm is not there.
set -eu

trainer=$1
tree=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd srun sinfo scontrol; do
  command -v $program >/dev/null || { echo "skipped: no $program (tools/install-packages slurm)"; exit 0; }
done

work=$(mktemp -d)
pids=
finish() {
  status=$?
  # The last started first; only what this script started.
  for pid in $pids; do kill "$pid" 2>/dev/null || :; done
  for pid in $pids; do wait "$pid" 2>/dev/null || :; done
  if [ $status -ne 0 ]; then tail -n 20 "$work"/*.log "$work"/*.err 2>/dev/null || :; fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "slurm_test: $*" >&2; exit 1; }

port=$((20000 + $$ % 4000 * 3))  # and the next two
mkdir "$work/state" "$work/spool" "$work/munge"
chmod 755 "$work"
head -c 1024 /dev/urandom > "$work/munge/key"
chmod 400 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --seed-file="$work/munge/seed" --log-file="$work/munge.log" > "$work/munged.log" 2>&1 &
pids="$!"

user=$(id -un)
cat > "$work/slurm.conf" <<END
ClusterName=moonbeam
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/linear
ReturnToService=2
KillWait=5
# Debian's Slurm takes one machine an address. The names are two addresses of this machine in a spelling that is
# a machine's name to Slurm and an address to the resolver: 127.0.0.1 and 127.0.0.2.
NodeName=0x7f000001 CPUs=1 Port=$((port + 1))
NodeName=0x7f000002 CPUs=1 Port=$((port + 2))
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$work/slurm.conf"

wait_until() {  # SECONDS WHAT COMMAND...
  left=$(($1 * 10)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || fail "waited in vain until $what"
    sleep 0.1
  done
}
wait_until 30 "munge answers" sh -c "munge -n --socket='$work/munge/socket'"
slurmctld -D -c > "$work/slurmctld.err" 2>&1 &
pids="$! $pids"
for node in 0x7f000001 0x7f000002; do
  slurmd -D -N $node > "$work/slurmd-$node.err" 2>&1 &
  pids="$! $pids"
done
wait_until 60 "both machines are idle" sh -c '[ "$(sinfo -h -t idle -o %D)" = 2 ]'

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

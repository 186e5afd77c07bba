# Two virtual machines of a Slurm of one's own (munged, slurmctld, two slurmd; all in a temporary folder, no
# service of the system is touched). To be sourced by a test, which has $work, fail and wait_until then; what was
# started ends with the test. Prints "skipped: ..." and ends it where Slurm is not there.
#
# Debian: tools/install-packages slurm.
PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd srun sbatch sinfo scontrol; do
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
fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

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
# A machine that does not answer is given up quickly, and what ran there is queued again.
SlurmdTimeout=10
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
  echo $! > "$work/slurmd-$node.own"  # for a test that kills one
done
wait_until 60 "both machines are idle" sh -c '[ "$(sinfo -h -t idle -o %D)" = 2 ]'

# A unit with a limit, one without, and a user's session; what `status` says of them, and what systemd and the kernel say.
systemd-run --quiet --unit=limited -p MemoryMax=96M -p MemorySwapMax=0 sleep 600
setsid runuser -l person -c 'exec sleep 601' &
for _ in $(seq 100); do
    grep -qs session- "/proc/$(pgrep -f -x 'sleep 601')/cgroup" && break
    sleep 0.2
done
cat "/proc/$(pgrep -f -x 'sleep 601')/cgroup" >"$LAB_OUTPUT/session"
forestall status --all >"$LAB_OUTPUT/table" 2>"$LAB_OUTPUT/words"
forestall status --json --all >"$LAB_OUTPUT/json"
forestall status limited.service >"$LAB_OUTPUT/detail"
systemctl list-units --type=service --state=running --plain --no-legend | cut -d ' ' -f 1 >"$LAB_OUTPUT/running"
systemctl stop limited
pkill -x -f 'sleep 601'

# The same leak without a policy: the kernel kills, and the agent's status names the unit and the process.
printf '[Service]\nExecStart=/usr/bin/python3 /opt/forestall/tests/lab/leaky.py 16\nMemoryMax=96M\nMemorySwapMax=0\n' \
    >/run/systemd/system/doomed.service
systemctl daemon-reload
forestall agent --state-dir /run/unguarded 2>"$LAB_OUTPUT/words" &
agent=$!
for _ in $(seq 100); do
    [ ! -e /run/unguarded/run/now ] || break
    sleep 0.3
done
systemctl start doomed
for _ in $(seq 200); do
    [ "$(systemctl is-active doomed)" = active ] || break
    sleep 0.2
done
cut -d ' ' -f 1 /proc/uptime >"$LAB_OUTPUT/died"
for _ in $(seq 60); do
    forestall status --json --all --state-dir /run/unguarded >"$LAB_OUTPUT/json"
    grep -q doomed "$LAB_OUTPUT/json" && grep -q '"comm"' "$LAB_OUTPUT/json" && break
done
cut -d ' ' -f 1 /proc/uptime >"$LAB_OUTPUT/seen"
forestall status --state-dir /run/unguarded >"$LAB_OUTPUT/table"
systemctl show -P Result doomed >"$LAB_OUTPUT/result"
kill "$agent"
wait "$agent" || :

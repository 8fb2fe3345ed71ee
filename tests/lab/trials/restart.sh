# A real unit with a limit leaks; the agent's policy restarts it by systemctl before the kernel kills.
cat >/run/systemd/system/leaky.service <<UNIT
[Service]
ExecStart=/usr/bin/python3 /opt/forestall/tests/lab/leaky.py 2
MemoryMax=96M
MemorySwapMax=0
UNIT
cat >/run/leaky.toml <<CONFIG
[agent]
interval = "1s"
[notify.file]
path = "$LAB_OUTPUT/notices"
[[service]]
match = "unit:leaky.service"
restart = ["systemctl", "restart", "{unit}"]
  [[service.step]]
  when = "used > 60% of limit"
  do = ["notify", "capture"]
  [[service.step]]
  when = "used > 80% of limit"
  do = ["restart"]
CONFIG
systemctl daemon-reload
kills() { sed -n 's/^oom_kill //p' /proc/vmstat; }
kills >"$LAB_OUTPUT/kills.before"
forestall agent --config /run/leaky.toml --state-dir /run/leaky 2>"$LAB_OUTPUT/words" &
agent=$!
systemctl start leaky
first=$(systemctl show -P MainPID leaky)
for _ in $(seq 300); do
    [ "$(systemctl show -P MainPID leaky)" = "$first" ] || break
    sleep 0.3
done
sleep 5
echo "$first $(systemctl show -P MainPID leaky)" >"$LAB_OUTPUT/pids"
forestall status --json --all --state-dir /run/leaky >"$LAB_OUTPUT/json"
forestall history leaky.service --json --state-dir /run/leaky >"$LAB_OUTPUT/history" 2>&1 || :
kills >"$LAB_OUTPUT/kills.after"
journalctl --no-pager -u leaky >"$LAB_OUTPUT/journal"
systemctl stop leaky
kill "$agent"
wait "$agent" || echo $? >"$LAB_OUTPUT/agent.code"

# kill -9 of a run's owner, of its guard, and of both: what is left of the command, the cgroup and the runtime files.
begin() {
    forestall run --memory 64M --grace 1s -- sleep 602 2>>"$LAB_OUTPUT/words" &
    owner=$!
    for _ in $(seq 300); do
        pgrep -f -x 'sleep 602' >/dev/null && break
        sleep 0.2
    done
    guard=$(guard_of_record)
}
guard_of_record() {
    cat /run/forestall/run/*/record 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["guard_pid"])'
}
left() {
    find /sys/fs/cgroup -name 'forestall-run-*'
    ls -d /run/forestall/run/* 2>/dev/null || :
    pgrep -f -x -a 'sleep 602' || :
    pgrep -f -a 'forestall.agent.main' || :
}
await_nothing() {
    for _ in $(seq 150); do
        [ -n "$(left)" ] || break
        sleep 0.2
    done
    left >"$LAB_OUTPUT/left.$1"
}

begin
kill -9 "$owner"
await_nothing owner

begin
kill -9 "$guard"
for _ in $(seq 150); do
    replaced=$(guard_of_record || :)
    [ "$replaced" = "$guard" ] || break
    sleep 0.2
done
echo "$guard $replaced" >"$LAB_OUTPUT/guards"
pgrep -f -x 'sleep 602' >"$LAB_OUTPUT/still"
kill "$owner"
wait "$owner" || :
await_nothing guard

begin
kill -9 "$guard" "$owner"
pgrep -f -x 'sleep 602' >"$LAB_OUTPUT/orphan" || :
forestall run --memory 64M -- true 2>>"$LAB_OUTPUT/words"
await_nothing both

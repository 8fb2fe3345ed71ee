# The demonstration, told and as JSON would end it, with and without a guard.
code=0
forestall demo --state-dir /run/demo >"$LAB_OUTPUT/story" 2>"$LAB_OUTPUT/words" || code=$?
echo "$code" >"$LAB_OUTPUT/code"
code=0
forestall demo --no-guard --json --state-dir /run/demo >"$LAB_OUTPUT/unguarded" 2>"$LAB_OUTPUT/unguarded.words" || code=$?
echo "$code" >"$LAB_OUTPUT/unguarded.code"
find /sys/fs/cgroup -name 'forestall-run-*' >"$LAB_OUTPUT/left"

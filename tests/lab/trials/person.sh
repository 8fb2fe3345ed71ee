# An ordinary user without delegation: `run` watches the process tree, `status` says what it may not see.
code=0
runuser -l person -c 'forestall run --memory 64M --json -- python3 /opt/forestall/tests/lab/leaky.py 4' \
    2>"$LAB_OUTPUT/words" || code=$?
echo "$code" >"$LAB_OUTPUT/code"
runuser -l person -c 'forestall run --memory 64M -- true' 2>"$LAB_OUTPUT/plain.words"
runuser -l person -c 'forestall status' >"$LAB_OUTPUT/table" 2>"$LAB_OUTPUT/status.words"
code=0
runuser -l person -c "forestall demo" >"$LAB_OUTPUT/demo" 2>"$LAB_OUTPUT/demo.words" || code=$?
echo "$code" >"$LAB_OUTPUT/demo.code"
find /sys/fs/cgroup -name 'forestall-run-*' >"$LAB_OUTPUT/left"

# A leaking command under `run`, and one that ends by itself with an exit code of its own.
code=0
forestall run --memory 64M --swap 0 --json -- python3 /opt/forestall/tests/lab/leaky.py 4 2>"$LAB_OUTPUT/words" || code=$?
echo "$code" >"$LAB_OUTPUT/code"
code=0
forestall run --memory 64M -- sh -c 'cat /proc/self/cgroup; exit 7' >"$LAB_OUTPUT/inside" 2>"$LAB_OUTPUT/own.words" || code=$?
echo "$code" >"$LAB_OUTPUT/own.code"
find /sys/fs/cgroup -name 'forestall-run-*' >"$LAB_OUTPUT/left"

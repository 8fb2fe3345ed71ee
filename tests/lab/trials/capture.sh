# This machine as text (tests/hosts): a unit near its limit, one that the kernel has killed in, a user's session.
leaky="/usr/bin/python3 -c"
systemd-run --quiet --unit=near -p MemoryMax=64M -p MemorySwapMax=0 $leaky \
    'import time; kept = b"x" * (50 << 20); time.sleep(600)'
systemd-run --quiet --unit=killed -p MemoryMax=48M -p MemorySwapMax=0 -p OOMPolicy=continue sh -c \
    "python3 -c 'kept = b\"x\" * (90 << 20)'; exec sleep 603"
setsid runuser -l person -c 'exec sleep 604' &
for _ in $(seq 100); do
    pgrep -f -x 'sleep 603' >/dev/null && pgrep -f -x 'sleep 604' >/dev/null && break
    sleep 0.2
done
sleep 2
python3 -m tests.support.capture_v2 >"$LAB_OUTPUT/tree.txt"
systemctl stop near killed
pkill -x -f 'sleep 604'

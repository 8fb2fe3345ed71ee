# scripts/run as a newcomer types it: agent, page and table, until Ctrl-C; then nothing is left.
scripts/run --listen 127.0.0.1:18080 >"$LAB_OUTPUT/table" 2>"$LAB_OUTPUT/words" &
together=$!
for _ in $(seq 100); do
    python3 -c 'import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen("http://127.0.0.1:18080/", timeout=5).read())' \
        >"$LAB_OUTPUT/page" 2>/dev/null && break
    sleep 0.3
done
kill -TERM "$together"
code=0
wait "$together" || code=$?
echo "$code" >"$LAB_OUTPUT/code"
pgrep -f -a forestall >"$LAB_OUTPUT/left" || :

#!/usr/bin/env bash
# A real call between two processes on this machine. The exit code is the caller's.
set -euo pipefail
callcheck=${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/debug/callcheck}
callcheck=${callcheck:-$1}

# A room of its own, so that a room that is already open on this machine is left alone.
exec 2>&1
log=$(mktemp)
answered=$(mktemp)
"$callcheck" serve --listen 127.0.0.1:0 2>"$log" &
server=$!
answer=
leave_nothing_behind() {
  kill $server $answer 2>/dev/null || true
  wait || true
  rm -f "$log" "$answered"
}
trap leave_nothing_behind EXIT
for _ in $(seq 100); do
  url=$(sed -n 's/^room server at \(ws:[^;]*\);.*/\1/p' "$log")
  [ -n "$url" ] && break
  kill -0 "$server" 2>/dev/null || { cat "$log"; exit 3; }
  sleep 0.05
done
[ -n "$url" ] || { echo "the room server did not start"; exit 3; }

echo "\$ callcheck answer demo &"
"$callcheck" answer demo --signal "$url" --wait 20s --quiet 2>"$answered" &
answer=$!
echo "\$ callcheck call demo"
status=0
"$callcheck" call demo --signal "$url" --wait 20s --duration 3s || status=$?
echo
echo "and the callee says:"
wait "$answer" || status=$?
cat "$answered"
exit "$status"

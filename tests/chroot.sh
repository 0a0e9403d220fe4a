#!/usr/bin/env bash
# The release binary serves from a root that holds nothing but itself: no libraries, no certificates, no /etc, no /tmp.
set -euo pipefail

binary=$(realpath "$1")
root=$(mktemp -d)
cleanup() {
  [ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$root"
}
trap cleanup EXIT

cp "$binary" "$root/tehprof"
# Whoever is not root gets a root of their own in a user namespace.
enter=(chroot "$root")
[ "$(id -u)" = 0 ] || enter=(unshare --map-root-user chroot "$root")

before=$(date +%s%N)
"${enter[@]}" /tehprof serve --demo --data-dir /data --listen 127.0.0.1:0 >"$root/out" 2>"$root/err" &
pid=$!
for _ in $(seq 1 200); do
  address=$(sed -n 's/^listening on //p' "$root/out")
  [ -z "$address" ] || break
  kill -0 "$pid" || { cat "$root/err" >&2; exit 1; }
  sleep 0.05
done
[ -n "$address" ] || { echo 'it did not begin to listen in ten seconds' >&2; cat "$root/err" >&2; exit 1; }
ready=$((($(date +%s%N) - before) / 1000000))

key=$(sed -n 's/.*\(tps_[A-Za-z0-9]*\).*/\1/p' "$root/out" | head -n 1)
curl -fsS "$address/api/health.php" | grep -q '"ok":true'
curl -fsS "$address/tenant.html" | grep -q '<script'
curl -fsS -H "X-Api-Key: $key" -H 'Content-Type: application/json' -d '{"action":"list_tickets","status":"active"}' \
  "$address/api/admin.php" | grep -q '"total":'
"${enter[@]}" /tehprof check --data-dir /data

kill -TERM "$pid"
wait "$pid"
pid=
! ldd "$binary" 2>/dev/null | grep -q '=>' || { echo 'the binary is linked dynamically' >&2; exit 1; }
echo "served, checked and stopped in an empty root; the demo was made and ready after $ready ms"

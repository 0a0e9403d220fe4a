#!/usr/bin/env bash
# The server gets its certificate from a real ACME authority (Pebble, from Debian's packages), shows it, and speaks HTTP/1
# and HTTP/2 by it. `tests/acme.sh BINARY`
set -euo pipefail

binary=$(realpath "$1")
work=$(mktemp -d)
pids=()
cleanup() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
directory=$(free) management=$(free) https=$(free) dns=$(free)

# The authority's own certificate, of an authority made by the program itself.
"$binary" tls init --data-dir "$work/authority" --names 127.0.0.1,localhost 2>/dev/null >"$work/root"
root=$(cat "$work/root")
cat >"$work/pebble.json" <<JSON
{ "pebble": { "listenAddress": "127.0.0.1:$directory", "managementListenAddress": "127.0.0.1:$management",
  "certificate": "$work/authority/tls/cert.pem", "privateKey": "$work/authority/tls/key.pem",
  "httpPort": 1, "tlsPort": $https, "ocspResponderURL": "", "externalAccountBindingRequired": false } }
JSON
pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 '' -dns01 "127.0.0.1:$dns" -http01 '' -https01 '' -tlsalpn01 '' \
  -management "127.0.0.1:$(free)" >"$work/dns.log" 2>&1 &
pids+=($!)
PEBBLE_VA_NOSLEEP=1 pebble -config "$work/pebble.json" -dnsserver "127.0.0.1:$dns" >"$work/pebble.log" 2>&1 &
pids+=($!)
for _ in $(seq 1 100); do
  curl -fsS --cacert "$root" "https://127.0.0.1:$directory/dir" >"$work/dir" 2>/dev/null && break
  sleep 0.1
done
[ -s "$work/dir" ] || { cat "$work/pebble.log" >&2; exit 1; }

"$binary" serve --demo --data-dir "$work/data" --listen "127.0.0.1:$https" --acme desk.test --acme-email admin@desk.test \
  --acme-directory "https://127.0.0.1:$directory/dir" --acme-root "$root" >"$work/out" 2>"$work/err" &
pids+=($!)
for _ in $(seq 1 300); do
  grep -q 'a certificate was given' "$work/err" && break
  sleep 0.1
done
grep -q 'a certificate was given' "$work/err" || { cat "$work/err" "$work/pebble.log" >&2; exit 1; }

curl -fsS --cacert "$root" -k "https://127.0.0.1:$management/roots/0" -o "$work/issuer.pem"
curl -fsS --cacert "$work/issuer.pem" --resolve "desk.test:$https:127.0.0.1" "https://desk.test:$https/api/health.php" |
  grep -q '"ok":true'
for version in 1.1 2; do
  spoken=$(curl -fsS --http$version -o /dev/null -w '%{http_version}' --cacert "$work/issuer.pem" \
    --resolve "desk.test:$https:127.0.0.1" "https://desk.test:$https/tenant.html")
  [ "$spoken" = "$version" ] || { echo "asked for HTTP/$version and got HTTP/$spoken" >&2; exit 1; }
done
echo 'a certificate was asked for, proven, given and shown; HTTP/1.1 and HTTP/2 are spoken by it'

#!/usr/bin/env bash
# Calls every action of a running demo with made-up input by schemathesis, as a session, a key and a client: no fault of
# ours, no status and no answer outside the published document. `tests/fuzz_api.sh BINARY [EXAMPLES]`; more examples look longer.
set -euo pipefail

binary=$(realpath "$1")
examples=${2:-3}
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../target/schemathesis
work=$(mktemp -d)
cleanup() {
  [ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

if [ ! -x "$tools/bin/st" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
fi

"$binary" serve --demo --data-dir "$work/data" --listen 127.0.0.1:0 --log-level info >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 1 300); do
  address=$(sed -n 's/^listening on //p' "$work/out")
  [ -z "$address" ] || break
  kill -0 "$pid" || { cat "$work/err" >&2; exit 1; }
  sleep 0.1
done
[ -n "$address" ] || { echo 'it did not begin to listen in half a minute' >&2; exit 1; }

login=$(awk '/\(admin\)/ {print $1; exit}' "$work/out")
session=$(curl -fsS -D - -o "$work/me" -H 'content-type: application/json' \
  -d "{\"login\":\"$login\",\"password\":\"demo-demo-demo\"}" "$address/api/admin.php/admin_login" |
  sed -n 's/^set-cookie: [a-z_]*=\([^;]*\).*/\1/p')
# The admin of the demo becomes the head admin, so that the actions of the installation are called as well, and gives the key
# an allowance that thousands of calls do not use up.
"$binary" operator set-role "$login" head_admin --data-dir "$work/data" >"$work/role"
curl -fsS -o "$work/limits" -H 'content-type: application/json' -H "cookie: tehprof_session=$session" \
  -d '{"tenant_id":1,"limits":{"requests_per_minute":100000}}' "$address/api/admin.php/update_tenant"
key=$(grep -o 'tps_[A-Za-z0-9]*' "$work/out" | head -n 1)
client=$(grep -o 'ct_[A-Za-z0-9_.-]*' "$work/out" | head -n 1)
widget=$(grep -o 'wk_[A-Za-z0-9]*' "$work/out" | head -n 1)
[ -n "$session" ] && [ -n "$key" ] && [ -n "$client" ] && [ -n "$widget" ]

# What ends the caller's own session, or changes how it signs in, is left out of the run as a session.
own='admin_logout|admin_login|revoke_session|change_password|totp_|mobile_login|reset_password|complete_setup|update_operator_role|remove_operator|update_tenant'
call() { # name, header, paths, paths left out; a widget's key is put in by fuzz_api.py
  echo "as $1"
  (cd "$work" && PYTHONPATH="$here" SCHEMATHESIS_HOOKS=fuzz_api TEHPROF_WIDGET_KEY="$widget" PYTHONDONTWRITEBYTECODE=1 "$tools/bin/st" --config-file "$here/schemathesis.toml" run "$address/api/openapi.json" \
    --header "$2" --include-path-regex "$3" --exclude-path-regex "$4" --max-examples "$examples" --request-timeout 30 \
    --phases examples,coverage,fuzzing --continue-on-failure >"$work/$1.log" 2>&1) ||
    { cat "$work/$1.log"; exit 1; }
  sed -n '/Test cases:/,/^$/p' "$work/$1.log"
}
call client "X-Client-Token: $client" '^/api/client' 'nothing'
call widget "X-Nobody: in the body" '^/api/widget' 'nothing'
call key "X-Api-Key: $key" '^/api/admin' "$own"
# The last, because it ends keys and tokens.
call session "Cookie: tehprof_session=$session" '^/api/admin' "$own"

kill -TERM "$pid"
wait "$pid"
pid=
echo 'what became of the calls:'
grep -o ' code="[a-z_]*"' "$work/err" | sort | uniq -c | sort -rn
if grep -E ' ERROR |panicked' "$work/err"; then
  echo 'the server has logged faults' >&2
  exit 1
fi

#!/usr/bin/env bash
# Where the time of a hot path goes: loads a scratch desk with one action after the other and draws what the server does
# meanwhile as a flame graph. Takes `perf`, and a binary that still has its symbols:
#
#   CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 cargo build --release
#   tests/flame.sh BINARY FOLDER [TICKETS]
set -euo pipefail

binary=$(realpath "$1")
folder=$(mkdir -p "$2" && realpath "$2")
tickets=${3:-10000}
scratch=$(mktemp -d)
cleanup() {
  for process in "${loader:-}" "${server:-}"; do
    [ -z "$process" ] || kill "$process" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

tools=${CARGO_TARGET_DIR:-target}/flame
[ -x "$tools/bin/inferno-flamegraph" ] ||
  cargo install inferno --locked --quiet --root "$tools" --target-dir "$tools/build"

echo "filling a desk with $tickets tickets"
"$binary" bench --tickets "$tickets" --seconds 0 --connections 1 --scratch "$scratch/desk" --json >"$scratch/bench.json"
"$binary" serve --data-dir "$scratch/desk" --listen 127.0.0.1:0 --log-level error >"$scratch/out" &
server=$!
for _ in $(seq 1 200); do
  address=$(sed -n 's/^listening on //p' "$scratch/out")
  [ -z "$address" ] || break
  sleep 0.05
done
[ -n "$address" ] || { echo 'it did not begin to listen in ten seconds' >&2; exit 1; }

# Eight connections that are kept, each of which asks again when it has its answer. No two questions are alike, so that
# none is answered with what was found before.
cat >"$scratch/load.mjs" <<'JS'
import { Agent, request } from 'node:http';
const [address, action, tickets] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const headers = { 'content-type': 'application/json', cookie: 'tehprof_session=bench' };
let n = 0;
const some = () => 1 + (n * 7919) % tickets;
const text = 'Здравствуйте! После обновления касса не печатает чеки, помогите, пожалуйста.';
const bodies = {
  list_tickets: () => ({ limit: 30, lang: 'ru', n }),
  get_ticket: () => ({ ticket_id: some(), mark_read: false }),
  create_ticket: () => ({ subject: `Касса ${n}`, description: text, portal_domain: 'client7.bitrix24.kz' }),
  add_message: () => ({ ticket_id: some(), message: text }),
  dashboard: () => ({ n }),
  search: () => ({ search: `srv-${(n * 7919) % 900000}` }),
};
const path = `/api/admin.php/${action === 'search' ? 'list_tickets' : action}`;
const call = () => new Promise((resolve, reject) => {
  n += 1;
  const sent = request(new URL(path, address), { agent, method: 'POST', headers }, (answer) => {
    if (answer.statusCode !== 200) reject(new Error(`${action} answered ${answer.statusCode}`));
    answer.resume();
    answer.once('end', resolve);
  });
  sent.once('error', reject);
  sent.end(JSON.stringify(bodies[action]()));
});
await Promise.all(Array.from({ length: 8 }, async () => { for (;;) await call(); }));
JS

for action in list_tickets get_ticket search dashboard create_ticket add_message; do
  node "$scratch/load.mjs" "$address" "$action" "$tickets" &
  loader=$!
  sleep 1
  kill -0 "$loader"
  perf record --quiet -F 499 --call-graph dwarf,16384 -p "$server" -o "$scratch/perf.data" -- sleep 3 2>"$scratch/perf.err" ||
    { cat "$scratch/perf.err" >&2; exit 1; }
  kill "$loader"
  wait "$loader" 2>/dev/null || true
  loader=
  perf script -i "$scratch/perf.data" 2>/dev/null | "$tools/bin/inferno-collapse-perf" >"$scratch/$action.folded"
  "$tools/bin/inferno-flamegraph" --title "$action, $tickets tickets" "$scratch/$action.folded" >"$folder/$action.svg"
  echo "$action: $folder/$action.svg"
  # The functions that the time is spent in, without what they call.
  awk '{ count = $NF; sub(/ [0-9]+$/, ""); n = split($0, frames, ";"); self[frames[n]] += count; all += count }
       END { for (frame in self) printf "  %5.1f %%  %s\n", 100 * self[frame] / all, substr(frame, 1, 90) }' \
    "$scratch/$action.folded" | sort -rn -k1,1 | head -8 || true
done

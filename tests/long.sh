#!/usr/bin/env bash
# The faults of the machine and the kills of the outbox in their long form, an hour or so: long.sh BINARY. Needs root for
# mounts; the last figures stand in tests/README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here/.." && TEHPROF_OUTBOX=100000:50 cargo test --locked --test all outbox::nothing_is_lost -- --nocapture)
exec node "$here/faults.mjs" "$1" --long

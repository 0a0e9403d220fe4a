#!/usr/bin/env bash
# What takes hours: long.sh BINARY. The kills of the outbox and of a migration in their long form, ten minutes of made-up bytes
# for each reader of what strangers send, the Debian package in a fresh system, the faults of the machine. TEHPROF_SOAK_HOURS
# says how many hours are work at fifty requests a second (2). Needs root for mounts and networks; the last figures stand in
# tests/README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
cd "$here/.."
TEHPROF_OUTBOX=100000:50 cargo test --locked --test all outbox::nothing_is_lost -- --nocapture
TEHPROF_EACH_WRITE=1 TEHPROF_BINARY=$binary cargo test --locked --test all killed:: -- --nocapture
tests/fuzz.sh 600
tests/deb.sh "$binary"
exec node tests/faults.mjs "$binary" --long

#!/usr/bin/env bash
# What takes hours: long.sh BINARY. The kills of the outbox and of a migration in their long form, made-up bytes for each reader
# of what strangers send, the Debian package in a fresh system, the faults of the machine. Needs root for mounts and networks;
# the last figures stand in tests/README.md. How long it takes is told by
#   TEHPROF_FUZZ_SECONDS  seconds for each reader (600: three hours for all)
#   TEHPROF_SOAK_HOURS    hours of work at fifty requests a second (2), a part of one as well (0.1)
#   TEHPROF_OUTBOX        rows and kills of the outbox (100000:50)
#   TEHPROF_LONG          "no" for the faults in their short form
# Within an hour or so: TEHPROF_FUZZ_SECONDS=30 TEHPROF_SOAK_HOURS=0.1 TEHPROF_OUTBOX=20000:20 TEHPROF_LONG=no tests/long.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "$1")
cd "$here/.."
export TEHPROF_SOAK_HOURS=${TEHPROF_SOAK_HOURS:-2} TEHPROF_OUTBOX=${TEHPROF_OUTBOX:-100000:50}
seconds=${TEHPROF_FUZZ_SECONDS:-600}
faults=(node tests/faults.mjs "$binary")
[ "${TEHPROF_LONG:-yes}" = no ] || faults+=(--long)

times=()
told() {
  printf '\ntime each part took:\n'
  printf '  %s\n' "${times[@]}"
}
trap told EXIT
part() {
  printf '\n== %s\n   $ %s\n' "$1" "${*:2}"
  local since=$SECONDS ended=0
  "${@:2}" || ended=$?
  times+=("$(printf '%6d s  %s%s' $((SECONDS - since)) "$1" "$([ $ended = 0 ] || echo " (FAILED: $ended)")")")
  return $ended
}

part 'outbox' cargo test --locked --test all outbox::nothing_is_lost -- --nocapture
part 'migration' env TEHPROF_EACH_WRITE=1 TEHPROF_BINARY="$binary" cargo test --locked --test all killed:: -- --nocapture
part "readers, $seconds s each" tests/fuzz.sh "$seconds"
part 'Debian package' tests/deb.sh "$binary"
if [ "${TEHPROF_LONG:-yes}" = no ]; then
  part 'soak' node tests/faults.mjs "$binary" --long --only soak
fi
part 'faults of the machine' "${faults[@]}"

#!/usr/bin/env bash
# Feeds what libFuzzer makes up to every reader of what strangers send: fuzz.sh [SECONDS [READER…]], each for so long (60), with
# AddressSanitizer and 256 MB of memory. Begins with tests/fixtures and keeps what it learns in target/fuzz/corpus. Takes a
# nightly toolchain if there is one, and else lets the stable one do what only nightlies may.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift $(($# > 0 ? 1 : 0))
target=x86_64-unknown-linux-gnu
work=$PWD/target/fuzz

toolchain=()
if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
  toolchain=(+nightly)
else
  export RUSTC_BOOTSTRAP=1
fi
# What `cargo fuzz` hands to the compiler.
coverage=(sanitizer-coverage-level=4 sanitizer-coverage-inline-8bit-counters sanitizer-coverage-pc-table sanitizer-coverage-trace-compares)
RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module $(printf -- '-Cllvm-args=-%s ' "${coverage[@]}")--cfg fuzzing -Ccodegen-units=16" \
  CARGO_TARGET_DIR=$work cargo "${toolchain[@]}" build --locked --release --quiet --manifest-path tests/fuzz/Cargo.toml --target "$target"
binary=$work/$target/release/stranger

# What the fixtures hold of a reader's food, in files of their own.
seeds() {
  local into=$work/seeds/$1
  mkdir -p "$into"
  node tests/fuzz/seeds.mjs "$1" "$into"
}

readers=("$@")
if [ ${#readers[@]} -eq 0 ]; then
  mapfile -t readers < <(sed -n 's/^    ("\([a-z0-9]*\)", .*/\1/p' src/fuzzing.rs)
fi
failed=()
for reader in "${readers[@]}"; do
  seeds "$reader"
  mkdir -p "$work/corpus/$reader" "$work/found"
  log=$work/$reader.log
  if TEHPROF_FUZZ=$reader ASAN_OPTIONS=detect_leaks=0 "$binary" "$work/corpus/$reader" "$work/seeds/$reader" \
    -max_total_time="$seconds" -rss_limit_mb=256 -timeout=10 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$work/found/$reader-" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    printf '%-12s %10d runs, %3d MB\n' "$reader" "$runs" "$peak"
  else
    failed+=("$reader")
    printf '%-12s FAILED\n' "$reader"
    grep -E 'panicked|ERROR|SUMMARY|Test unit written' -A 2 "$log" | head -20
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "what they failed at lies in $work/found: ${failed[*]}" >&2
  exit 1
fi

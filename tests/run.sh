#!/usr/bin/env bash
# Every check there is, from formatting to the browser, on a fresh machine with a Rust toolchain and Node.js. What else is
# needed is installed by apt-get. One target directory, one release build, one Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

began=$SECONDS
step() {
  printf '\n== %s\n   $ %s\n' "$1" "${*:2}"
  local since=$SECONDS
  "${@:2}"
  printf '   (%d s)\n' $((SECONDS - since))
}

# Debian packages, only those that are not there.
need=()
command -v cc >/dev/null || need+=(gcc libc6-dev)
command -v curl >/dev/null || need+=(curl)
command -v chromium >/dev/null || need+=(chromium fonts-noto-core)
command -v pebble >/dev/null || need+=(pebble)
python3 -c 'import ensurepip' 2>/dev/null || need+=(python3-venv)
[ -x /usr/sbin/dovecot ] || need+=(dovecot-imapd)
[ -x /usr/sbin/postfix ] || need+=(postfix)
command -v strace >/dev/null || need+=(strace)
command -v ip >/dev/null || need+=(iproute2)
command -v iptables >/dev/null || need+=(iptables)
command -v mkfs.ext4 >/dev/null || need+=(e2fsprogs)
command -v qemu-storage-daemon >/dev/null || need+=(qemu-utils)
command -v systemd-analyze >/dev/null || need+=(systemd)
command -v dpkg-deb >/dev/null || need+=(dpkg)
if [ ${#need[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  step 'refresh the package lists' $sudo apt-get update -qq
  # The mail servers are for the tests, which start them for themselves: none becomes a daemon of this machine.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap '$sudo rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo install -m 755 /dev/stdin "$policy"
  fi
  step 'install what is missing' $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${need[@]}"
  if [ -n "$(trap -p EXIT)" ]; then
    $sudo rm -f "$policy"
    trap - EXIT
  fi
fi

binary=target/x86_64-unknown-linux-gnu/release/tehprof
export CARGO_TERM_COLOR=never RUST_BACKTRACE=1

# The release build keeps one processor busy for most of its time, so it goes on beside the checks that follow the lints, and
# stands back for them. Its log is shown at its place in the order.
release_log=target/release-build.log
begin_release() {
  printf '\n== release build, beside what follows\n   $ cargo build --locked --release\n'
  nice -n 10 cargo build --locked --release >"$release_log" 2>&1 &
  release=$!
  trap 'kill "$release" 2>/dev/null || true' EXIT
}
end_release() {
  local ended=0
  wait "$release" || ended=$?
  trap - EXIT
  cat "$release_log"
  return $ended
}

step 'formatting' cargo fmt --check
step 'the fuzz targets name the same packages' bash -c 'cargo metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null'
step 'lints' cargo clippy --locked --all-targets -- -D warnings
# The lints have built the front end; two builds of it at once would write over each other.
export TEHPROF_WEB_DIST=$PWD/web/dist
begin_release
step 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items --quiet
step 'unit and integration tests' cargo test --locked --quiet
step 'the types of the front end are those of the server' tests/types.sh
step 'front end: types' npm --prefix web run --silent check
step 'front end: lint' npm --prefix web run --silent lint
step 'front end: unit tests' npm --prefix web test --silent
step 'the end of the release build' end_release
step 'the binary alone in an empty root' tests/chroot.sh "$binary"
step 'what the container file makes' tests/container.sh "$binary"
step 'a certificate of a real authority' tests/acme.sh "$binary"
step 'thousands of made-up calls' tests/fuzz_api.sh "$binary" 1
step 'faults of the machine, in short' node tests/faults.mjs "$binary"
step 'the unit leaves little to an intruder' systemd-analyze security --offline=true --threshold=15 packaging/tehprof.service
step 'systemd knows every word of it' bash -c '! systemd-analyze verify packaging/tehprof.service 2>&1 | grep -iE "unknown|ignoring|failed to parse"'
step 'browser tests' node tests/e2e/run.mjs --binary "$binary"
step 'figures of this machine, for information' node tests/bench.mjs "$binary"
step 'ratios to the bare limits of this machine, for information' "$binary" bench --tickets 10000 --seconds 1 --connections 64

printf '\nall checks passed in %d s\n' $((SECONDS - began))

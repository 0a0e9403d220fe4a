#!/usr/bin/env bash
# The front end's types are generated from the server's own description of its API. This says whether they still agree;
# with --write it makes them agree.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=--check
[ "${1:-}" != --write ] || mode=
cargo run --locked --quiet -- openapi | npm --prefix web run --silent schema -- $mode

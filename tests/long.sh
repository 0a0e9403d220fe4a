#!/usr/bin/env bash
# The faults of the machine in their long form, an hour or so: long.sh BINARY. Needs root for mounts; the last figures stand in
# tests/README.md.
set -euo pipefail
exec node "$(dirname "$0")/faults.mjs" "$1" --long

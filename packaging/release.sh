#!/usr/bin/env bash
# Makes a release: release.sh FOLDER. The binary is built twice, from two copies of the source in two places, and must come
# out the same. Beside it lie the Debian package, the list of parts and their licences, the manual, the reference of the API,
# checksums, and one archive with all of it for networks without internet.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
source=$(realpath "$here/..")
mkdir -p "$1"
folder=$(realpath "$1")
[ -z "$(ls -A "$folder")" ] || { echo "$folder is not empty" >&2; exit 1; }
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct)}
target=x86_64-unknown-linux-gnu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in one two; do
  mkdir "$work/$place"
  git -C "$source" archive HEAD | tar x -C "$work/$place"
  # Paths of this machine do not belong into the binary.
  remap="--remap-path-prefix=$work/$place=/tehprof --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
  # The flags of .cargo/config.toml, which a variable replaces.
  (cd "$work/$place" && CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\" $remap" \
    cargo build --locked --release)
done
built="target/$target/release/tehprof"
cmp "$work/one/$built" "$work/two/$built" || { echo 'the two builds differ' >&2; exit 1; }
echo "both builds: $(sha256sum <"$work/one/$built" | cut -d ' ' -f 1)"

install -m 0755 "$work/one/$built" "$folder/tehprof"
"$here/deb.sh" "$folder/tehprof" "$folder"
(cd "$work/one" && node packaging/parts.mjs "$folder")
"$folder/tehprof" openapi >"$folder/openapi.json"
"$folder/tehprof" man >"$folder/tehprof.1"
install -m 0644 "$source/README.md" "$here/tehprof.service" "$here/tehprof.toml" "$here/Containerfile" "$folder"
mkdir "$folder/data" "$folder/tmp"
(cd "$folder" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
(cd "$folder" && sha256sum --check --strict --quiet SHA256SUMS)
version=$("$folder/tehprof" --version | cut -d ' ' -f 2)
tar c --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$folder" \
  --transform "s,^\.,tehprof-$version," . | gzip -9n >"$work/bundle"
mv "$work/bundle" "$folder/tehprof-$version-offline.tar.gz"
echo "$folder/tehprof-$version-offline.tar.gz"

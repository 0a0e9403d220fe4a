#!/usr/bin/env bash
# Makes the Debian package of a binary: deb.sh BINARY FOLDER. The same binary gives the same package, byte by byte.
set -euo pipefail
binary=$(realpath "$1")
folder=$(realpath "$2")
here=$(realpath "$(dirname "$0")")

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}
version=$("$binary" --version | cut -d ' ' -f 2)

install -D -m 0755 "$binary" "$root/usr/bin/tehprof"
install -D -m 0644 "$here/tehprof.service" "$root/usr/lib/systemd/system/tehprof.service"
install -D -m 0644 "$here/tehprof.toml" "$root/etc/tehprof/tehprof.toml"
install -D -m 0644 "$here/../README.md" "$root/usr/share/doc/tehprof/README.md"
install -d "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" \
  "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
"$binary" man | gzip -9n >"$root/usr/share/man/man1/tehprof.1.gz"
"$binary" completions bash >"$root/usr/share/bash-completion/completions/tehprof"
"$binary" completions zsh >"$root/usr/share/zsh/vendor-completions/_tehprof"
"$binary" completions fish >"$root/usr/share/fish/vendor_completions.d/tehprof.fish"

mkdir "$root/DEBIAN"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$(dpkg --print-architecture)/" -e "s/@SIZE@/$size/" \
  "$here/debian/control.in" >"$root/DEBIAN/control"
echo /etc/tehprof/tehprof.toml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 0755 "$here/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find usr etc -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package="$folder/tehprof_${version}_$(dpkg --print-architecture).deb"
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
echo "$package"

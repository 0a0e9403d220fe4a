#!/usr/bin/env bash
# Installs the Debian package in a fresh system, uses it, upgrades it, removes and purges it: deb.sh BINARY. Needs root, and
# debootstrap, which is installed if it is missing; the fresh system comes from the Debian mirror that this one uses.
set -euo pipefail
binary=$(realpath "$1")
here=$(realpath "$(dirname "$0")/..")
[ "$(id -u)" = 0 ] || { echo 'skipped: only root can make a system in a folder'; exit 0; }
command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/root"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  sed -n -e 's/^deb [^h]*\(http[^ ]*\) .*/\1/p' -e 's/^URIs: *\(http[^ ]*\).*/\1/p' | head -n 1 || true)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase --include=adduser "$suite" "$root" "${mirror:-http://deb.debian.org/debian}" >"$work/log" 2>&1 ||
  { tail -n 5 "$work/log" >&2; exit 1; }

package=$("$here/packaging/deb.sh" "$binary" "$work")
again=$(mkdir "$work/again" && "$here/packaging/deb.sh" "$binary" "$work/again")
cmp "$package" "$again"
cp "$package" "$root/tehprof.deb"
inside() { chroot "$root" "$@"; }
says() { [ "$(inside stat -c '%U:%G %a' "$1")" = "$2" ] || { echo "$1 is $(inside stat -c '%U:%G %a' "$1") and not $2" >&2; exit 1; }; }

inside dpkg -i /tehprof.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
says /var/lib/tehprof 'tehprof:tehprof 700'
says /etc/tehprof/tehprof.toml 'root:tehprof 640'
says /usr/bin/tehprof 'root:root 755'
[ "$(inside getent passwd tehprof | cut -d : -f 6,7)" = /var/lib/tehprof:/usr/sbin/nologin ]
inside dpkg --verify tehprof
as_user() { inside setpriv --reuid tehprof --regid tehprof --clear-groups "$@"; }
as_user tehprof tenant create --data-dir /var/lib/tehprof --name Desk --admin-email a@desk.example >/dev/null
as_user tehprof check --data-dir /var/lib/tehprof | grep -q '^ok: tenants 1'

# An upgrade keeps what the administrator has written, and the data.
echo '# changed here' >>"$root/etc/tehprof/tehprof.toml"
inside dpkg -i /tehprof.deb >/dev/null 2>&1
grep -q '^# changed here' "$root/etc/tehprof/tehprof.toml"
inside dpkg -r tehprof >/dev/null 2>&1
[ ! -e "$root/usr/bin/tehprof" ] && [ -e "$root/etc/tehprof/tehprof.toml" ] && [ -e "$root/var/lib/tehprof/tehprof.db" ]
inside dpkg -P tehprof >/dev/null 2>"$work/log"
[ ! -e "$root/etc/tehprof" ] && [ -e "$root/var/lib/tehprof/tehprof.db" ]
grep -q 'the data of the desk stays' "$work/log"
echo 'the package was installed, used, upgraded, removed and purged; the data stayed'

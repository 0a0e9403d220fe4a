#!/usr/bin/env bash
# What the container file makes, without a container engine: container.sh BINARY. Its lines are carried out in a folder, and the
# program runs there as the file says: as its user, in its root, with its words, in a network of its own. Needs root.
set -euo pipefail
binary=$(realpath "$1")
file=$(realpath "$(dirname "$0")/../packaging/Containerfile")
[ "$(id -u)" = 0 ] || { echo 'skipped: only root can be another user in another root'; exit 0; }
unshare --net true 2>/dev/null || { echo 'skipped: no network of its own can be made here'; exit 0; }

work=$(mktemp -d)
cleanup() {
  [ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
root="$work/root"
mkdir "$root" "$work/context" "$work/context/data" "$work/context/tmp"
chmod 755 "$work" "$root"
cp "$binary" "$work/context/tehprof"

words() { python3 -c 'import json,sys; print("\n".join(json.loads(sys.argv[1])))' "$1"; }
user=
command=()
while read -r line; do
  case "$line" in
    '' | '#'* | 'FROM scratch' | VOLUME* | EXPOSE*) ;;
    COPY*)
      read -ra parts <<<"${line#COPY }"
      source="$work/context/${parts[-2]}" place="$root${parts[-1]}"
      cp -r "$source" "$place"
      chown 0:0 "$place"
      for part in "${parts[@]}"; do
        case "$part" in
          --chown=*) chown "${part#--chown=}" "$place" ;;
          --chmod=*) chmod "${part#--chmod=}" "$place" ;;
        esac
      done
      ;;
    ENV*) export "${line#ENV }" ;;
    USER*) user=${line#USER } ;;
    ENTRYPOINT* | CMD*)
      while read -r word; do command+=("$word"); done < <(words "${line#* }")
      ;;
    *) echo "this line of the container file is not understood: $line" >&2; exit 1 ;;
  esac
done <"$file"

# The network has nothing but its own loopback, so that listening on every address reaches nobody.
cat >"$work/run" <<'RUN'
ip link set lo up
exec chroot --userspec="$1:$2" --groups= "$3" "${@:4}"
RUN
unshare --net bash "$work/run" "${user%:*}" "${user#*:}" "$root" "${command[@]}" >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 1 200); do
  ! grep -q '^listening on ' "$work/out" || break
  kill -0 "$pid" || { cat "$work/err" >&2; exit 1; }
  sleep 0.05
done
address=$(sed -n 's/^listening on //p' "$work/out")
[ "$address" = http://0.0.0.0:8095 ] || { echo "it listens on ${address:-nothing}" >&2; cat "$work/err" >&2; exit 1; }
inside() { nsenter --net --target "$pid" "$@"; }
inside curl -fsS http://127.0.0.1:8095/api/health.php | grep -q '"ok":true'
inside curl -fsS http://127.0.0.1:8095/tenant.html | grep -q '<script'
[ "$(stat -c %u:%g "/proc/$pid")" = "$user" ] || { echo "it runs as $(stat -c %u:%g "/proc/$pid")" >&2; exit 1; }
[ "$(stat -c '%u:%g %a' "$root/data/tehprof.db")" = "$user 600" ] || { echo 'the database is not its own' >&2; exit 1; }
kill -TERM "$pid"
wait "$pid"
pid=
[ -z "$(find "$root" -newer "$work/run" -type f ! -path "$root/data/*")" ] || { echo 'it wrote outside of its volume' >&2; exit 1; }
"$binary" check --data-dir "$root/data" | grep -q '^ok:'
echo "the container's root was made, served as user $user, wrote into its volume alone, and stopped in order"

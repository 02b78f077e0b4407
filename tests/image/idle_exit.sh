#!/bin/sh
# idle_exit.sh SECONDS PORT COMMAND...: becomes COMMAND, a Postgres server, and stops it once no client has been
# connected to PORT for SECONDS; the first client may take a minute longer. So nothing is left behind by a test run
# that was killed. Where there is no /proc (not Linux) idleness is not seen.
#
# With WHIMBREL_OWNER, a process's number, the server stops when that process is gone, and the folder WHIMBREL_OWNED
# is removed then.
set -eu
seconds=$1 port=$(printf '%04X' "$2")
shift 2
server=$$ # still the server's after the exec below

owner_lives() {
  [ -z "${WHIMBREL_OWNER:-}" ] || kill -0 "$WHIMBREL_OWNER" 2>/dev/null
}

watch() {
  idle=-60
  while [ "$idle" -lt "$seconds" ] && owner_lives && sleep 1 && kill -0 "$server" 2>/dev/null; do
    [ -r /proc/net/tcp ] || continue
    case "$(grep -h ":$port [0-9A-F]*:[0-9A-F]* 01 " /proc/net/tcp /proc/net/tcp6 2>/dev/null || :)" in
      ?*) idle=0 ;;
      *) idle=$((idle + 1)) ;;
    esac
  done
  kill -INT "$server" 2>/dev/null || :
  owner_lives || [ -z "${WHIMBREL_OWNED:-}" ] || {
    while kill -0 "$server" 2>/dev/null; do sleep 1; done
    rm -rf "$WHIMBREL_OWNED"
  }
}

# A terminal's Ctrl-C reaches the watch too, which is needed just then.
(trap '' INT HUP; watch) >/dev/null 2>&1 &
exec "$@"

#!/bin/sh
# idle_exit.sh SECONDS PORT COMMAND...: becomes COMMAND, a Postgres server, and stops it once no client has been
# connected to PORT for SECONDS; the first client may take a minute longer. So nothing is left behind by a test run
# that was killed. Where there is no /proc (not Linux) the server is not stopped.
set -eu
seconds=$1 port=$(printf '%04X' "$2")
shift 2
server=$$ # still the server's after the exec below
if [ -r /proc/net/tcp ]; then
  (
    idle=-60
    while [ "$idle" -lt "$seconds" ] && sleep 1 && kill -0 "$server" 2>/dev/null; do
      case "$(grep -h ":$port [0-9A-F]*:[0-9A-F]* 01 " /proc/net/tcp /proc/net/tcp6 2>/dev/null || :)" in
        ?*) idle=0 ;;
        *) idle=$((idle + 1)) ;;
      esac
    done
    kill -INT "$server" 2>/dev/null
  ) >/dev/null 2>&1 &
fi
exec "$@"

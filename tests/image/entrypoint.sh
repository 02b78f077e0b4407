#!/bin/sh
# Starts a Postgres server, and makes its data directory first where there is none.
#
# It is the entry point of the image that build.sh makes, where it behaves as the official image does in what tests
# look at (POSTGRES_USER, _PASSWORD, _DB, _HOST_AUTH_METHOD, _INITDB_ARGS, PGDATA, the ready lines, a server that is
# not root), and it starts the server of a machine without containers, with PATH leading to the server's programs.
set -eu
: "${POSTGRES_USER:=postgres}" "${POSTGRES_PASSWORD:=}" "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"
: "${PGDATA:=/var/lib/postgresql/data}" "${SOCKET_DIRECTORY=/tmp}" "${POSTGRES_DB:=$POSTGRES_USER}"
export PGDATA

# The server refuses to run as root: take the account made for it, or the one nobody else has.
if [ "$(id -u)" = 0 ]; then
  account=postgres
  id -u "$account" >/dev/null 2>&1 || account=nobody
  mkdir -p "$PGDATA"
  chown "$account" "$PGDATA"
  chmod 700 "$PGDATA"
  exec setpriv --reuid "$(id -u "$account")" --regid "$(id -g "$account")" --clear-groups sh "$0" "$@"
fi

case "${1:-postgres}" in
  postgres) shift || : ;;
  -*) ;;
  *) exec "$@" ;;
esac

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    echo 'POSTGRES_PASSWORD is not set' >&2
    exit 1
  fi
  locale=C.UTF-8
  [ "$(uname)" != Darwin ] || locale=C
  password_file=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" > "$password_file"
  # shellcheck disable=SC2086 # several arguments, on purpose
  initdb --no-sync -U "$POSTGRES_USER" --pwfile="$password_file" -E UTF8 --locale="$locale" \
    --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-} >/dev/null
  rm -f "$password_file"
  echo "host all all all $POSTGRES_HOST_AUTH_METHOD" >> "$PGDATA/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    echo "CREATE DATABASE \"$POSTGRES_DB\";" | postgres --single -F -j -D "$PGDATA" postgres >/dev/null 2>&1
  fi
  # The official image's server prints its ready line twice; tools wait for one on each of the two streams.
  echo 'init done: database system is ready to accept connections'
fi
exec postgres -c listen_addresses="${LISTEN_ADDRESSES:-*}" -c unix_socket_directories="$SOCKET_DIRECTORY" "$@"

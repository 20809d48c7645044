#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# with_postgres.sh COMMAND [ARGUMENT…]
# Runs COMMAND beside a private PostgreSQL server, whose conninfo is in SPOTLIST_TEST_DATABASE_URL,
# and returns its status. The server lives in a temporary directory, listens on a Unix socket in it
# and nowhere else, and is gone afterwards, however COMMAND ends. The newest installed PostgreSQL
# is taken, or that of PG_BINDIR. As root, the server runs as user "postgres" (it refuses root).
set -eu

die() {
	echo "with_postgres.sh: $*" >&2
	exit 99
}

[ $# -gt 0 ] || die "no command given"
bin=${PG_BINDIR:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
[ -x "$bin/initdb" ] || die "no PostgreSQL server found (apt-get install postgresql)"

# Not below TMPDIR: the path of a Unix socket may have 107 bytes only.
dir=$(mktemp -d /tmp/spotlist-pg.XXXXXX)
server=
command=

finish() {
	trap - EXIT
	trap '' HUP INT TERM
	[ -z "$command" ] || kill -TERM "$command" 2>/dev/null || :
	if [ -n "$server" ]; then
		kill -QUIT "$server" 2>/dev/null || : # at once: nothing of it is kept
		wait "$server" 2>/dev/null || :
	fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# exec, so that $! is the program itself; it ends by itself should this shell be killed.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		exec setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig INT -- "$@"
	fi
	exec setpriv --pdeathsig INT -- "$@"
}

if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || die "running as root needs the user postgres"
	chown postgres "$dir"
fi
cd /

(unprivileged "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust \
	--encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$dir/initdb.log" 2>&1 || {
	cat "$dir/initdb.log" >&2
	die "initdb failed"
}

: >"$dir/server.log"
# deadlock_timeout: tests make deadlocks and wait for the server to notice.
(unprivileged "$bin/postgres" -D "$dir/data" \
	-c listen_addresses= -c unix_socket_directories="$dir" -c max_connections=200 \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off \
	-c deadlock_timeout=50ms -c log_min_messages=warning) >"$dir/server.log" 2>&1 &
server=$!

until "$bin/pg_isready" --quiet --host="$dir" --username=postgres; do
	kill -0 "$server" 2>/dev/null || {
		cat "$dir/server.log" >&2
		die "the server did not start"
	}
	sleep 0.05
done

export SPOTLIST_TEST_DATABASE_URL="host=$dir user=postgres dbname=postgres"
# In the background, so that a signal to this shell is acted on at once.
cd "$OLDPWD"
exec 3<&0
"$@" <&3 3<&- &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"

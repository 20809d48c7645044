# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole system on this machine, below one directory: a private PostgreSQL on a Unix socket,
# localcloud, spotlist. stack_up DIR starts it and sets stack_url, stack_admin, stack_cloud;
# stack_down stops what stack_up started, by PID, in reverse order. Sourced by demo.sh, local.sh.

stack_url=
stack_admin=
stack_cloud=
stack_database=
stack_pids=() # "pid name", in order of start
stack_pg=     # the data directory of a running cluster
stack_socket=

# PostgreSQL refuses to run as root: then it runs as the package's own user, in a directory that
# this user may be in.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
	else
		"$@"
	fi
}

# The newest installed PostgreSQL's program.
postgres_program() {
	local dir
	dir=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	echo "$dir/$1"
}

# postgres_up DATA LOG
postgres_up() {
	local data=$1 log=$2 elsewhere
	stack_socket=$(mktemp -d /tmp/spotlist-pg.XXXXXX) # short: a socket's path has 107 bytes
	if [ "$(id -u)" = 0 ]; then
		chown postgres: "$stack_socket"
		if ! as_postgres test -x "${data%/*}"; then
			# A clone below /root, say.
			elsewhere=/var/lib/spotlist-$(cksum <<<"$data" | cut -d ' ' -f 1)
			say "PostgreSQL's user cannot reach $data: its data is in $elsewhere"
			data=$elsewhere
			log=$elsewhere.log
		fi
		mkdir -p "$data"
		: >>"$log"
		chown postgres: "$data" "$log"
	fi
	if [ ! -f "$data/PG_VERSION" ]; then
		as_postgres "$(postgres_program initdb)" -D "$data" -U spotlist -A trust -E UTF8 \
			--locale=C.UTF-8 >"$log" 2>&1 || die "initdb failed: $(tail -n 5 "$log")"
	fi
	as_postgres "$(postgres_program pg_ctl)" -D "$data" -l "$log" -w \
		-o "-c listen_addresses='' -c unix_socket_directories=$stack_socket" start >/dev/null ||
		die "PostgreSQL did not start: $(tail -n 5 "$log")"
	stack_pg=$data
	stack_database="host=$stack_socket user=spotlist dbname=spotlist"
	as_postgres "$(postgres_program psql)" -qAt -h "$stack_socket" -U spotlist postgres \
		-c "SELECT 1 FROM pg_database WHERE datname = 'spotlist'" | grep -q 1 ||
		as_postgres "$(postgres_program createdb)" -h "$stack_socket" -U spotlist spotlist
}

# started PID NAME LOG PATTERN: waits for the line and prints what its group matched; the program
# may have been busy (loading models, migrating), so patience is long, but its end is noticed.
started() {
	local pid=$1 name=$2 log=$3 pattern=$4 found
	for _ in $(seq 600); do
		found=$(sed -nE "s|$pattern|\1|p" "$log" | tail -n 1)
		if [ -n "$found" ]; then
			echo "$found"
			return 0
		fi
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	say "$name did not start:"
	tail -n 20 "$log" >&2
	return 1
}

# cloud_up DIR LISTEN GALLERY
cloud_up() {
	local dir=$1 log=$1/localcloud.log pid options=()
	[ -z "$3" ] || options=(--gallery "$3")
	: >"$log"
	build/localcloud/localcloud --data "$dir/cloud" --listen "$2" "${options[@]}" >>"$log" 2>&1 &
	pid=$!
	stack_pids+=("$pid localcloud")
	stack_cloud=$(started $pid localcloud "$log" '^localcloud ready (http://[^ ]+)$')
	# From here on everything of ours that speaks AWS speaks to localcloud.
	export AWS_ENDPOINT_URL=$stack_cloud AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test
	export AWS_SECRET_ACCESS_KEY=test AWS_CA_BUNDLE=$dir/cloud/ca.pem
	unset AWS_PROFILE AWS_SESSION_TOKEN
}

# spotlist_up DIR LISTEN ADMIN: needs the database, the cloud and the provisioned settings.
spotlist_up() {
	local log=$1/spotlist.log pid listening
	export SPOTLIST_DATABASE_URL=$stack_database SPOTLIST_LISTEN=$2 SPOTLIST_ADMIN_LISTEN=$3
	export SPOTLIST_AUTH=off # who is on this machine may, without a token
	export SPOTLIST_SHUTDOWN_S=3 # whoever presses Ctrl-C will not wait for 20 s
	: >"$log"
	build/service/spotlist migrate >>"$log" 2>&1 || die "spotlist migrate: $(tail -n 5 "$log")"
	build/service/spotlist serve >>"$log" 2>&1 &
	pid=$!
	stack_pids+=("$pid spotlist")
	listening=$(started $pid spotlist "$log" '.*msg="?listening"? .*(address=[^ ]+ admin=[^ ]+).*')
	listening=${listening#address=}
	stack_url=http://${listening%% *}
	# shellcheck disable=SC2034 # for local.sh
	stack_admin=http://${listening##*admin=}
}

# stack_up DIR GALLERY [SPOTLIST ADMIN CLOUD]: the three addresses, by default any free port.
stack_up() {
	local dir=$1 gallery=$2 any=127.0.0.1:0
	local listen=${3:-$any} admin=${4:-$any} cloud=${5:-$any} line
	unset "${!SPOTLIST_@}" http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	mkdir -p "$dir"
	say "starting PostgreSQL, localcloud and spotlist in $dir"
	postgres_up "$dir/postgresql" "$dir/postgresql.log"
	cloud_up "$dir" "$cloud" "$gallery"
	while IFS= read -r line; do
		export "${line?}"
	done < <(build/service/spotlist provision --bucket spotlist-demo 2>"$dir/provision.log" || echo FAILED=1)
	[ -z "${FAILED:-}" ] || die "spotlist provision: $(grep -E '^(FAIL|provision:)' "$dir/provision.log")"
	spotlist_up "$dir" "$listen" "$admin"
	build/service/spotlist provision --endpoint "$stack_url/sns" --replace \
		>/dev/null 2>"$dir/provision.log" ||
		die "spotlist provision: $(grep -E '^(FAIL|provision:)' "$dir/provision.log")"
}

stack_down() {
	local i entry pid
	for ((i = ${#stack_pids[@]} - 1; i >= 0; i--)); do
		entry=${stack_pids[i]}
		pid=${entry%% *}
		if kill -TERM "$pid" 2>/dev/null; then
			# A program that does not stop within 10 s is ended.
			for _ in $(seq 100); do
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.1
			done
			if kill -KILL "$pid" 2>/dev/null; then
				say "${entry#* } did not stop by itself"
			fi
		fi
		wait "$pid" 2>/dev/null || true
	done
	stack_pids=()
	if [ -n "$stack_pg" ]; then
		as_postgres "$(postgres_program pg_ctl)" -D "$stack_pg" -m fast -w stop >/dev/null || true
		stack_pg=
	fi
	if [ -n "$stack_socket" ]; then
		rm -rf "$stack_socket"
		stack_socket=
	fi
}

# stack_logs DIR: the ends of the logs, for a failure; the requests, which are many, left out.
stack_logs() {
	local log lines
	for log in spotlist localcloud; do
		lines=$(grep -v ' msg=request ' "$1/$log.log" | tail -n 10) || true
		say "the end of $1/$log.log:"
		echo "$lines" >&2
	done
}

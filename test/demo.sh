#!/bin/sh
# The demo: paasd on this machine, and a person's session with it, each command shown with what it really prints.
#
#   test/demo.sh up      starts paasd unless it runs, goes through the session, leaves everything running
#   test/demo.sh down    stops paasd and removes what it made on the Docker engine and in .paas
#
# Wants bin/ built and a Docker engine (`make demo` sees to both). Everything is kept in .paas, the demo's own files in
# .paas/demo. Other ports than 8080, 2222 and 7070: HTTP_PORT, SSH_PORT, API_PORT.
set -eu
cd "$(dirname "$0")/.."

http_port=${HTTP_PORT:-8080}
ssh_port=${SSH_PORT:-2222}
api_port=${API_PORT:-7070}

data=$PWD/.paas
demo=$data/demo
pidfile=$demo/paasd.pid
log=$demo/paasd.log
url=http://hello.localhost:$http_port/
bin=$PWD/bin

PATH=$bin:$PATH
DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
PAAS_URL=ssh://paas@localhost:$ssh_port
GIT_SSH_COMMAND="ssh -i $demo/key -o IdentitiesOnly=yes -o UserKnownHostsFile=$demo/known_hosts -o StrictHostKeyChecking=accept-new"
export PATH DOCKER_HOST PAAS_URL GIT_SSH_COMMAND
unset PAAS_APP PAAS_TOKEN

note() { printf '\n# %s\n' "$*"; }

die() {
	echo "demo: $*" >&2
	exit 1
}

# show types a command as a person would and runs it.
show() {
	printf '\n$ %s\n' "$*"
	"$@" || die "'$*' failed with exit code $?; paasd's log is $log"
}

# greets asks the app and wants its answer to contain a text.
greets() {
	printf '\n$ curl %s\n' "$url"
	answer=$(curl --silent --show-error --fail-with-body "$url") || die "$url does not answer as it should: $answer"
	echo "$answer"
	case $answer in
	*"$1"*) ;;
	*) die "expected the answer to contain '$1'" ;;
	esac
}

up() {
	mkdir -p "$demo"
	chmod 700 "$data"
	start
	enrol
	if paas apps:info -a hello >/dev/null 2>&1 && curl --silent --fail --retry 5 --output /dev/null "$url"; then
		revisit
	else
		session
	fi
	farewell
}

# start starts paasd, or leaves the one that runs alone unless its binary has been replaced since.
start() {
	if running; then
		case $(readlink "/proc/$(cat "$pidfile")/exe") in
		*" (deleted)") note "paasd was rebuilt: it is started anew, and the apps do not notice" && stop ;;
		*) note "paasd runs" && return ;;
		esac
	fi
	free "$ssh_port" SSH_PORT
	free "$api_port" API_PORT
	[ -f "$log" ] || free "$http_port" HTTP_PORT # later it may be our own router's
	note "starting paasd (log: $log)"
	setsid paasd serve --data-dir "$data" --build-cache 0 --http-addr ":$http_port" --ssh-addr ":$ssh_port" --api-addr "127.0.0.1:$api_port" \
		--domain localhost </dev/null >>"$log" 2>&1 &
	echo $! >"$pidfile"
	await
}

# free ends here when something listens on the port already.
free() {
	hex=$(printf '%04X' "$1")
	if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v end=":$hex\$" '$4 == "0A" && $2 ~ end { found = 1 } END { exit !found }'; then
		die "port $1 is in use on this machine: stop what listens there, or choose another, for example: make demo $2=$(($1 + 10000))"
	fi
}

await() {
	tries=0
	until curl --silent --fail --output /dev/null "http://127.0.0.1:$api_port/healthz"; do
		tries=$((tries + 1))
		if [ $tries -gt 300 ] || { [ $tries -gt 5 ] && ! running; }; then
			tail -n 20 "$log" >&2
			die "paasd does not come up"
		fi
		sleep 0.1
	done
}

# enrol makes a key of the demo's own, which opens nothing else.
enrol() {
	[ ! -f "$demo/key" ] || return 0
	ssh-keygen -q -t ed25519 -N '' -C demo -f "$demo/key.new"
	show paasd key add demo "$demo/key.new.pub" --data-dir "$data"
	mv "$demo/key.new.pub" "$demo/key.pub"
	mv "$demo/key.new" "$demo/key"
}

# session is what a person does first.
session() {
	repository
	if ! paas apps:info -a hello >/dev/null 2>&1; then
		show paas create hello
	elif ! git remote get-url paas >/dev/null 2>&1; then
		show paas git:remote -a hello
	fi
	show git push paas main
	greets hello
	show paas config:set GREETING=hei
	greets hei
	show paas scale web=4 worker=1
	show paas ps
	show paas releases
	show paas logs -n 20
	show paas config
	show paas run -- ./hello migrate
	show paas rollback
	greets hello
}

# repository puts the sample app into a repository of its own, with its binary: what is built is what is committed. It
# goes there.
repository() {
	if git -C "$demo/hello" rev-parse --quiet --verify main >/dev/null 2>&1; then
		cd "$demo/hello"
		return
	fi
	note "a repository with the sample app"
	rm -rf "$demo/hello"
	cp -R examples/hello "$demo/hello"
	cd "$demo/hello"
	rm -f hello
	show make -s
	show git init -q -b main
	show git add .
	show git -c user.name=Demo -c user.email=demo@localhost commit -q -m "A small app"
}

# revisit shows that all is as it was left.
revisit() {
	note "the app is there"
	cd "$demo/hello"
	greets Hello
	show paas ps
	show paas releases
}

farewell() {
	cat <<END

# It goes on running. To go on yourself, paste:

export PATH=$bin:\$PATH
export PAAS_URL=$PAAS_URL
export GIT_SSH_COMMAND="$GIT_SSH_COMMAND"
cd $demo/hello

# and try:
paas logs --tail
paas config:set GREETING=god-dag && curl $url
paas config:set RELEASE_FAIL=1            # fails, and changes nothing
paas releases:info 1
paas                                      # what else there is

# make demo-down removes all of it.
END
}
# running says whether the pid file names a paasd of this data directory.
running() {
	pid=$(cat "$pidfile" 2>/dev/null || true)
	[ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = paasd ] &&
		tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$data"
}

stop() {
	running || return 0
	kill "$pid"
	tries=0
	while running; do
		tries=$((tries + 1))
		[ $tries -ne 350 ] || kill -KILL "$pid"
		[ $tries -lt 400 ] || die "paasd ($pid) does not end"
		sleep 0.1
	done
	rm -f "$pidfile"
}

down() {
	[ -d "$data" ] || return 0
	stop
	installation=$(sed -n 's/.*(installation \([a-z0-9]*\)).*/\1/p' "$log" 2>/dev/null | tail -n 1)
	if [ -n "$installation" ]; then
		docker version >/dev/null 2>&1 || die "the Docker engine does not answer, so what the demo made there cannot be removed: test/engine.sh up, then again"
		sweep "label=paas.installation=$installation"
	fi
	rm -rf "$data" 2>/dev/null || sudo rm -rf "$data"
	echo "demo: removed"
}

# sweep removes what bears the label: the instances and the router, their networks and images.
sweep() {
	docker ps --all --quiet --filter "$1" | xargs -r docker rm --force --volumes >/dev/null
	docker network ls --quiet --filter "$1" | xargs -r docker network rm >/dev/null
	docker images --quiet --filter "$1" | sort -u | xargs -r docker rmi --force >/dev/null
}

case ${1:-} in
up) up ;;
down) down ;;
*) die "use: test/demo.sh up|down" ;;
esac

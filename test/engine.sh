#!/bin/sh
# Sets up what the tests and the demo need on a Debian or Ubuntu machine: command-line tools and a Docker engine that
# answers. Does nothing, quickly, where all of it is there.
#
#   test/engine.sh tools COMMAND…   installs the packages of the commands that are missing
#   test/engine.sh up [OWNER]       makes a Docker engine answer; one that it has to start outlives it
#   test/engine.sh down [OWNER]     stops the engine that `up` started (for OWNER, if given), never another
#
# Keeps its records in .cache/engine: how the engine was started (`started`), its pid and its log.
set -eu
cd "$(dirname "$0")/.."

state=$PWD/.cache/engine
pidfile=$state/dockerd.pid
log=$state/dockerd.log

say() { echo "engine: $*" >&2; }

die() {
	say "$*"
	exit 1
}

# root runs a command as root. be_able_to says beforehand, and in the open, what cannot be done without.
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

be_able_to() {
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "cannot $1: this is not root, and there is no sudo. Run make as root"
}

# systemd says whether systemd runs this machine.
systemd() { [ -d /run/systemd/system ]; }

# package names what a command comes in.
package() {
	case $1 in
	cc) echo gcc libc6-dev ;;
	ssh | ssh-keygen) echo openssh-client ;;
	dockerd) echo docker.io ;;
	nginx) echo nginx-light ;;
	taskset) echo util-linux ;;
	caddy | cgroupfs-mount | curl | debootstrap | git | haproxy | make | wrk) echo "$1" ;;
	docker) # a package of its own in newer releases, part of docker.io before
		if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi
		;;
	*) die "no package is known for the command $1" ;;
	esac
}

# found looks where administrators' commands are, too.
found() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

tools() {
	missing=
	for tool in "$@"; do
		found "$tool" || missing="$missing $tool"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || die "not here:$missing. Install them: this is not Debian or Ubuntu, so it cannot be done for you"
	be_able_to "install$missing"
	say "installing$missing"
	mkdir -p "$state"
	if ! install_packages "$missing" >"$state/apt.log" 2>&1; then
		tail -n 20 "$state/apt.log" >&2
		die "apt-get could not install$missing"
	fi
}

# install_packages takes the commands as one list.
install_packages() {
	root apt-get update -q -o DPkg::Lock::Timeout=300
	packages=
	for tool in $1; do
		packages="$packages $(package "$tool")"
	done
	# shellcheck disable=SC2086 # a list of words
	root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 $packages
}

# The address that paasd and the tests use; a context of the docker command is not looked at.
DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
export DOCKER_HOST

answers() { found docker && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

up() {
	answers && return
	if [ "$DOCKER_HOST" != unix:///var/run/docker.sock ]; then
		tools docker
		answers || die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST"
		return
	fi
	tools docker dockerd
	answers && return
	refuse_unreachable
	mkdir -p "$state"
	if systemd; then start_unit; else start_daemon; fi
	await
	[ -f "$state/started" ] && echo "$1" >"$state/owner"
	say "Docker $(docker version --format '{{.Server.Version}}') answers"
}

# refuse_unreachable ends here when an engine runs that this user may not talk to: starting a second one is no help.
refuse_unreachable() {
	grep -q '/run/docker\.sock$' /proc/net/unix || return 0 # nobody listens: a socket file may still be there
	case $(docker version 2>&1) in
	*"permission denied"*)
		die "a Docker engine runs, but $(id -un) may not use it: run make as root, or 'sudo usermod -aG docker $(id -un)' and log in again"
		;;
	esac
}

start_unit() {
	be_able_to "start docker.service"
	say "starting docker.service"
	root systemctl start docker.service
	echo unit >"$state/started"
	refuse_unreachable
}

# start_daemon starts dockerd in a session of its own, with no descriptor of ours, so that no pipe waits for it.
start_daemon() {
	be_able_to "start dockerd"
	if ! grep -q ' /sys/fs/cgroup' /proc/mounts; then
		tools cgroupfs-mount
		root cgroupfs-mount
	fi
	if ours "$(cat "$pidfile" 2>/dev/null)"; then die "dockerd runs but does not answer, see $log"; fi
	root rm -f "$pidfile" # of a dockerd that was killed: its number may be another process's by now
	say "starting dockerd (log: $log)"
	echo daemon >"$state/started"
	# shellcheck disable=SC2016 # expanded by the inner shell
	root setsid -f sh -c 'PATH=$PATH:/usr/sbin:/sbin exec dockerd --pidfile="$1" --group="$2" </dev/null >"$3" 2>&1' \
		sh "$pidfile" "$(id -gn)" "$log"
}

# await waits a minute for the engine; one that we started and that died is not waited for.
await() {
	tries=0
	until answers; do
		tries=$((tries + 1))
		if [ $tries -gt 300 ] || { [ $tries -gt 25 ] && [ ! -e "$pidfile" ] && ! systemd; }; then
			[ -f "$log" ] && tail -n 20 "$log" >&2
			die "the Docker engine does not come up"
		fi
		sleep 0.2
	done
}

down() {
	[ -f "$state/started" ] || return 0
	owner=$(cat "$state/owner" 2>/dev/null || true)
	if [ -n "$1" ] && [ "$1" != "$owner" ]; then
		say "left running: it was started for ${owner:-somebody else}, 'make engine-down' stops it"
		return 0
	fi
	case $(cat "$state/started") in
	unit) root systemctl stop docker.socket docker.service ;;
	daemon) stop_daemon ;;
	esac
	rm -f "$state/started" "$state/owner"
}

# stop_daemon ends the process in the pid file, if it still is the dockerd that was started with that file.
stop_daemon() {
	pid=$(cat "$pidfile" 2>/dev/null || true)
	ours "$pid" || return 0
	say "stopping dockerd ($pid)"
	# shellcheck disable=SC2016 # a shell's own kill: the command is not everywhere
	root sh -c 'kill "$1"' sh "$pid"
	tries=0
	while ours "$pid"; do
		tries=$((tries + 1))
		[ $tries -le 150 ] || die "dockerd ($pid) does not end"
		sleep 0.2
	done
}

ours() {
	[ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = dockerd ] &&
		tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | grep -qxF -e "--pidfile=$pidfile"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
tools) tools "$@" ;;
up) up "${1:-make}" ;;
down) down "${1:-}" ;;
*) die "use: test/engine.sh tools COMMAND… | up [OWNER] | down [OWNER]" ;;
esac

#!/bin/sh
# Provides the base images that the tests and the examples build on, under their official names: pulled, or, where no
# registry answers, stand-ins made of the distribution's own packages. Does nothing, quickly, when they are there.
#
#   test/images.sh [IMAGE…]     default: all of them
#
# A stand-in is Debian's or Ubuntu's minimal system, of the host's own release and mirror, with the host's certificate
# authorities (so that https works inside builds) and time zones. It bears the label paas.standin, and its file system
# is kept in .cache/images for the next engine.
set -eu
cd "$(dirname "$0")/.."

debian=debian:bookworm-slim
python=python:3-slim
cache=$PWD/.cache/images

# Commands of a build's RUN go through /bin/sh and find this path.
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { echo "images: $*" >&2; }

die() {
	say "$*"
	exit 1
}

root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

# pull fails soon where no registry answers: the first failure speaks for all.
pull() {
	[ -z "${offline:-}" ] || return 1
	say "$1: pulling"
	timeout 60 docker pull --quiet "$1" >/dev/null 2>&1 && return
	offline=yes
	return 1
}

# provide gets one image onto the engine.
provide() {
	if present "$1"; then return; fi
	if pull "$1"; then return; fi
	[ -n "${release:-}" ] || host
	file=$(file_of "$1")
	[ -f "$file" ] || make_standins
	case $1 in
	"$python") load "$1" "$file" 'CMD ["python3"]' ;;
	*) load "$1" "$file" 'CMD ["bash"]' ;;
	esac
}

# file_of names the cached file system of an image.
file_of() {
	case $1 in
	"$debian") echo "$cache/$release.tar" ;;
	"$python") echo "$cache/$release-python.tar" ;;
	*) die "no stand-in is known for $1" ;;
	esac
}

load() {
	say "$1: importing a stand-in made of $release"
	docker import --change "ENV PATH=$path" --change "$3" --change "LABEL paas.standin=$release" "$2" "$1" >/dev/null
}

# make_standins makes the file systems of all stand-ins: the base, then Python into the same tree.
make_standins() {
	test/engine.sh tools debootstrap
	mkdir -p "$cache"
	tree=$(root mktemp -d "$cache/tree.XXXXXX")
	trap 'root rm -rf "$tree"' EXIT
	trap 'exit 130' INT TERM HUP
	say "no registry answers: making $release from $mirror (half a minute)"
	quietly base root env ${http_proxy:+http_proxy="$http_proxy"} debootstrap --variant=minbase \
		--include=ca-certificates,tzdata "$release" "$tree" "$mirror"
	trust
	pack "$cache/$release.tar"
	say "adding Python"
	quietly python in_tree 'apt-get update -q && apt-get install -q -y --no-install-recommends python3'
	pack "$cache/$release-python.tar"
}

# quietly keeps a command's output in a log and shows the end of it when it fails.
quietly() {
	step=$1
	shift
	"$@" >"$cache/$step.log" 2>&1 && return
	tail -n 20 "$cache/$step.log" >&2
	die "could not make the stand-in images, see $cache/$step.log"
}

in_tree() {
	root cp /etc/resolv.conf "$tree/etc/resolv.conf"
	root chroot "$tree" env -i PATH=$path DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} sh -c "$1"
}

# trust makes the tree trust what the host trusts, a company's own authorities included.
trust() {
	root cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
	for authority in /usr/local/share/ca-certificates/*.crt; do
		if [ -f "$authority" ]; then root cp -L "$authority" "$tree/usr/local/share/ca-certificates/"; fi
	done
}

# pack writes the tree as an archive, without what no image needs.
pack() {
	root chroot "$tree" apt-get clean
	root tar -C "$tree" --one-file-system --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
		--exclude='./tmp/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/cache/apt/*' --exclude='./var/log/*' \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' -cf "$1.new" .
	root chown "$(id -u):$(id -g)" "$1.new"
	mv "$1.new" "$1"
}

# The host's release and, as its apt is configured, its mirror and proxy.
host() {
	# shellcheck source=/dev/null
	. /etc/os-release
	release=${VERSION_CODENAME:-}
	command -v apt-get >/dev/null || die "no registry answers, and stand-ins can be made on Debian and Ubuntu only"
	# shellcheck disable=SC2016 # apt-get expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Component: main" "Codename: $release" 2>/dev/null |
		head -n 1)
	case ${mirror:-} in
	http*) ;;
	*) if [ "$ID" = ubuntu ]; then mirror=http://archive.ubuntu.com/ubuntu; else mirror=http://deb.debian.org/debian; fi ;;
	esac
	eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
}

[ $# -gt 0 ] || set -- "$debian" "$python"
for image in "$@"; do
	provide "$image"
done

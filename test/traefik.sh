#!/bin/sh
# Builds the Traefik that router/traefik is tested against, from its published module: some minutes the first time,
# nothing after that.
#
#   test/traefik.sh           prints the path of a static binary, kept in .cache/traefik
#   test/traefik.sh image     puts it onto the Docker engine, and prints the image's name
#
# It is Traefik as it is released, but for three things that the tests have no use for: the web pages, which the module
# lacks, the DNS providers of the ACME client, which are most of the modules and of the time, and its own fork of
# go-http-auth, for which an older state of the same fork stands in.
set -eu
cd "$(dirname "$0")/.."

version=v3.7.13
dir=$PWD/.cache/traefik/$version
binary=$dir/traefik

say() { echo "traefik: $*" >&2; }

# module prints the folder of a module in the module cache, downloaded if need be.
module() {
	(cd / && GOFLAGS='' go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
}

# sources lays out what is built: Traefik's own module with an ACME client that knows no DNS provider.
sources() {
	traefik=$(module "github.com/traefik/traefik/v3@$version")
	lego=$(module "github.com/go-acme/lego/v5@$(sed -n 's|^\tgithub.com/go-acme/lego/v5 \(v[^ ]*\).*|\1|p' "$traefik/go.mod")")
	rm -rf "$dir/src"
	mkdir -p "$dir/src/webui" "$dir/src/ext" "$dir/src/lego"
	cp -r "$traefik/go.mod" "$traefik/go.sum" "$traefik/cmd" "$traefik/pkg" "$traefik/internal" "$dir/src"
	cp -r "$traefik/webui/embed.go" "$traefik/webui/static" "$dir/src/webui"
	cp -r "$lego/." "$dir/src/lego"
	chmod -R u+w "$dir/src"

	cat >"$dir/src/lego/providers/dns/zz_gen_dns_providers.go" <<-'GO'
		package dns

		import (
			"errors"

			"github.com/go-acme/lego/v5/challenge"
		)

		// NewDNSChallengeProviderByName knows none.
		func NewDNSChallengeProviderByName(string) (challenge.Provider, error) {
			return nil, errors.New("built without DNS providers")
		}
	GO
	# Not published; Traefik's own is as empty.
	printf 'package ext\n\ntype HTTP struct{}\n\ntype Router struct{}\n' >"$dir/src/ext/ext.go"
	printf 'module github.com/traefik/traefik/dynamic/ext\n\ngo 1.26.0\n' >"$dir/src/ext/go.mod"
	cd "$dir/src"
	go mod edit -replace github.com/traefik/traefik/dynamic/ext=./ext \
		-replace github.com/go-acme/lego/v5=./lego \
		-replace github.com/abbot/go-http-auth=github.com/containous/go-http-auth@v0.4.1-0.20200324110947-a37a7636d23e
}

build() {
	sources
	GOFLAGS=-mod=mod CGO_ENABLED=0 nice -n 10 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=${version#v}" \
		-o "$binary.new" ./cmd/traefik
	mv "$binary.new" "$binary"
	rm -rf "$dir/src"
}

image() {
	name=paas-test/traefik:$version
	docker image inspect "$name" >/dev/null 2>&1 ||
		tar -C "$dir" -c traefik | docker import --change 'ENTRYPOINT ["/traefik"]' - "$name" >/dev/null
	echo "$name"
}

mkdir -p "$dir"
exec 9>"$dir/lock" # tests of several packages may come at the same time
flock 9
if [ ! -x "$binary" ]; then
	say "building $version, once: takes some minutes"
	(build) >"$dir/build.log" 2>&1 || {
		tail -n 20 "$dir/build.log" >&2
		say "could not build it, see $dir/build.log"
		exit 1
	}
fi
case ${1:-} in
'') echo "$binary" ;;
image) image ;;
*)
	say "use: test/traefik.sh [image]"
	exit 1
	;;
esac

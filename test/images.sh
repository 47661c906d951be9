#!/bin/sh
# Provides the base images that the tests and the examples build on, under their official names: pulled, or, where no
# registry answers, stand-ins made of the distribution's own packages. Does nothing, quickly, when they are there.
#
#   test/images.sh [IMAGE…]     default: all of them
#
# A stand-in is Debian's or Ubuntu's minimal system, of the host's own release and mirror, with the host's certificate
# authorities (so that https works inside builds) and time zones. It bears the label paas.standin. The file systems of
# the first two are kept in .cache/images for the next engine. The others are built on the first by the engine, each by
# the function make_LANGUAGE from what is in .cache/images or on this machine, and may stand in for several names.
set -eu
cd "$(dirname "$0")/.."

debian=debian:bookworm-slim
python=python:3-slim
golang=golang:1.26
node=node:24
ruby=ruby:3
php=php:8-apache
composer=composer:2
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

# pull fails soon where no registry answers: the first failure speaks for all. One that has answered gets its time.
pull() {
	[ -z "${offline:-}" ] || return 1
	say "$1: pulling"
	if timeout "${patience:-60}" docker pull --quiet "$1" >/dev/null 2>&1; then
		patience=900
		return
	fi
	offline=yes
	return 1
}

# provide gets one image onto the engine.
provide() {
	if present "$1"; then return; fi
	if pull "$1"; then return; fi
	[ -n "${release:-}" ] || host
	case $1 in
	"$debian") import "$1" 'CMD ["bash"]' ;;
	"$python") import "$1" 'CMD ["python3"]' ;;
	"$golang") make_golang ;;
	"$node" | "$node-slim") make_node ;;
	"${python%-slim}") make_python ;;
	"$ruby" | "$ruby-slim") make_ruby ;;
	"$php" | "$composer") make_php ;;
	*) die "no stand-in is known for $1" ;;
	esac
}

# import loads one of the file systems that are kept.
import() {
	file=$(file_of "$1")
	[ -f "$file" ] || make_standins
	load "$1" "$file" "$2"
}

# build makes an image on the base, under the name $1: the Dockerfile's other lines are on stdin, and the arguments after it are
# tar's, for the files that they copy.
build() {
	image=$1
	shift
	(provide "$debian") </dev/null
	say "$image: building a stand-in"
	mkdir -p "$cache"
	name=$(echo "$image" | tr ':/' '--')
	{ echo "FROM $debian" && cat && echo "LABEL paas.standin=$release"; } >"$cache/$name.Dockerfile"
	quietly "$name" pipe_build "$image" "$name.Dockerfile" "$@"
}

# pipe_build uses the engine's older builder, since the newer one needs a plugin that the distribution may not have.
pipe_build() {
	image=$1 lines=$2
	shift 2
	tar -cf - -C "$cache" "$lines" "$@" |
		DOCKER_BUILDKIT=0 docker build ${http_proxy:+--build-arg http_proxy="$http_proxy"} --force-rm --tag "$image" --file "$lines" -
}

# make_golang is the machine's own toolchain.
make_golang() {
	build "$golang" -C "$(go env GOROOT)" --exclude=testdata --transform='flags=rSH;s,^[.]/,go/,' \
		./VERSION ./bin ./go.env ./lib ./pkg ./src <<-EOF
			COPY go /usr/local/go
			ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:$path
			WORKDIR /go
			CMD ["bash"]
		EOF
}

# make_node is Node and its npm as the npm registry has them, under both names that plans use. Node has authorities of its own, and
# is told to trust the image's, too.
make_node() {
	tree=$cache/$(echo "$node" | tr ':' '-')
	[ -d "$tree" ] || unpack_node
	build "$node" -C "$tree" ./bin ./lib <<-EOF
		COPY bin /usr/local/bin
		COPY lib /usr/local/lib
		ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
		CMD ["node"]
	EOF
	docker tag "$node" "$node-slim"
}

unpack_node() {
	case $(uname -m) in
	x86_64) arch=x64 sum=de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced ;;
	aarch64) arch=arm64 sum=1692513c4cf63afbd32df8c83a5346158f492cf30a825e66f9de2819804b836e242759a6bcdd5997f1cf2601781c3689e752127afd65d5c459fc333e91e5d6e6 ;;
	*) die "no stand-in for Node is known on $(uname -m)" ;;
	esac
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/node.XXXXXX")
	mkdir -p "$new/bin" "$new/lib/node_modules/npm"
	fetch "$new/node.tgz" "$sum" "https://registry.npmjs.org/node-linux-$arch/-/node-linux-$arch-24.21.0.tgz"
	tar -C "$new" --strip-components=1 -xzf "$new/node.tgz" package/bin/node
	fetch "$new/npm.tgz" ee22b335fcbc95662cdf3ab8a053daf045d9cf9c6df6040d28965abb707512b2c16fa6c5eec049d34c74f78f390cebd14f697919eadb97756564d4f9eccc4954 https://registry.npmjs.org/npm/-/npm-11.6.2.tgz
	tar -C "$new/lib/node_modules/npm" --strip-components=1 -xzf "$new/npm.tgz"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$new/bin/npm"
	ln -s ../lib/node_modules/npm/bin/npx-cli.js "$new/bin/npx"
	rm "$new/node.tgz" "$new/npm.tgz"
	chmod 755 "$new"
	mv "$new" "$tree"
}

# packages is the line that installs packages of the distribution.
packages() {
	echo "RUN apt-get update -q && apt-get install -q -y --no-install-recommends $* && rm -rf /var/lib/apt/lists/*"
}

# make_python is the one with which virtual environments are made. It has no compiler.
make_python() {
	build "${python%-slim}" <<-EOF
		$(packages python3-venv)
		CMD ["python3"]
	EOF
}

# make_ruby is the distribution's Ruby, under both names that plans use, with the gems Rack and Puma, which no registry has to have
# then. It has no compiler.
make_ruby() {
	build "$ruby" <<-EOF
		$(packages ruby bundler ruby-rack puma)
		RUN mkdir /usr/local/bundle
		ENV GEM_HOME=/usr/local/bundle BUNDLE_APP_CONFIG=/usr/local/bundle BUNDLE_SILENCE_ROOT_WARNING=1 PATH=/usr/local/bundle/bin:$path
		CMD ["irb"]
	EOF
	docker tag "$ruby" "$ruby-slim"
}

# make_php is the distribution's PHP, Apache and Composer, under the names of both images, and with the number of its version: Composer of the distribution is not one
# file that another image could copy, but has its parts in /usr/share/php. No extension can be compiled; docker-php-ext-install
# is content with those that the distribution's PHP has.
make_php() {
	build "$php" <<-EOF
		$(packages apache2 libapache2-mod-php composer php-curl php-mbstring php-sqlite3 php-xml php-zip)
		RUN for dir in lock run log; do mkdir -p /var/\$dir/apache2 && chmod 1777 /var/\$dir/apache2; done && \\
		    ln -sfT /dev/stderr /var/log/apache2/error.log && ln -sfT /dev/stdout /var/log/apache2/access.log && \\
		    ln -sfT /dev/stdout /var/log/apache2/other_vhosts_access.log && rm -r /var/www/html/*
		RUN echo 'DirectoryIndex index.php index.html' > /etc/apache2/conf-enabled/docker-php.conf
		RUN printf '%s\n' '#!/bin/sh' '. /etc/apache2/envvars' 'rm -f "\$APACHE_PID_FILE"' 'exec apache2 -DFOREGROUND "\$@"' > /usr/local/bin/apache2-foreground && \\
		    printf '%s\n' '#!/bin/sh' 'case \$1 in -*) set -- apache2-foreground "\$@" ;; esac' 'exec "\$@"' > /usr/local/bin/docker-php-entrypoint && \\
		    printf '%s\n' '#!/bin/sh' 'for e in "\$@"; do case \$e in -*) ;; *) php -m | grep -qix "\$e" || exit 1 ;; esac; done' > /usr/local/bin/docker-php-ext-install && \\
		    chmod 755 /usr/local/bin/*
		WORKDIR /var/www/html
		ENTRYPOINT ["docker-php-entrypoint"]
		STOPSIGNAL SIGWINCH
		EXPOSE 80
		CMD ["apache2-foreground"]
	EOF
	docker tag "$php" "$composer"
	docker tag "$php" "php:$(docker run --rm "$php" php -r 'echo PHP_MAJOR_VERSION . "." . PHP_MINOR_VERSION;')-apache"
}

# fetch gets a file that has to have a sum.
fetch() {
	say "fetching $3"
	curl -fsSL --retry 2 --output "$1" "$3" || die "could not fetch $3"
	echo "$2  $1" | sha512sum --check --quiet - || die "$3 is not the file that is expected"
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

[ $# -gt 0 ] || set -- "$debian" "$python" "$golang" "$node" "$node-slim" "${python%-slim}" "$ruby" "$ruby-slim" "$php" "$composer"
for image in "$@"; do
	provide "$image"
done

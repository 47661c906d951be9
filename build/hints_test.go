package build

import (
	"strings"
	"testing"
)

// failed1 is how BuildKit words a step that exited with 1.
const failed1 = `process "/bin/sh -c make" did not complete successfully: exit code: 1`

// What the tools themselves print, and a word of the hint.
func TestHintsForWhatToolsPrint(t *testing.T) {
	for _, tc := range []struct{ want, text string }{
		{"disk is full", "write /x: no space left on device"},
		{"disk is full", "cp: error writing '/x': Disk quota exceeded"},
		{"disk is full", "npm error code ENOSPC\nnpm error ENOSPC: no space left on device, write"},

		{"ran out of memory", "did not complete successfully: exit code: 137"},
		{"ran out of memory", "The command '/bin/sh -c make' returned a non-zero code: 137"},
		{"ran out of memory", "c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated."},
		{"ran out of memory", "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space"},
		{"ran out of memory", "fork/exec /usr/local/go/pkg/tool/linux_amd64/compile: cannot allocate memory"},
		{"--max-old-space-size", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----"},

		{"base image was not found", "pull access denied for nosuch, repository does not exist or may require 'docker login'"},
		{"base image was not found", "docker.io/library/nosuch:1: failed to resolve source metadata for docker.io/library/nosuch:1: not found"},
		{"base image was not found", "manifest for node:99 not found: manifest unknown: manifest unknown"},
		{"base image was not found", "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host"},
		{"kind of processor", "no match for platform in manifest: not found"},
		{"wants a pause", "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading"},

		{"package-lock.json", "npm error code EUSAGE\nnpm error\nnpm error `npm ci` can only install packages when your package.json and package-lock.json " +
			"or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.\nnpm error\n" +
			"npm error Missing: left-pad@1.3.0 from lock file\n" + strings.Repeat("npm error   [--install-strategy <hoisted|nested>]\n", 20)},
		{"package-lock.json", "npm error The `npm ci` command can only install with an existing package-lock.json or\nnpm error npm-shrinkwrap.json with lockfileVersion >= 1."},
		{"package-lock.json", "npm ERR! `npm ci` can only install packages when your package.json and package-lock.json are in sync."},
		{"pnpm-lock.yaml", " ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\" because pnpm-lock.yaml is not up to date with <ROOT>/package.json"},
		{"pnpm-lock.yaml", " ERR_PNPM_NO_LOCKFILE  Cannot install with \"frozen-lockfile\" because pnpm-lock.yaml is absent"},
		{"yarn.lock", "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`."},
		{"yarn.lock", "➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden."},
		{"Gemfile.lock", "The dependencies in your gemfile changed, but the lockfile can't be updated\nbecause frozen mode is set"},
		{"Gemfile.lock", "You are trying to install in deployment mode after changing\nyour Gemfile. Run `bundle install` elsewhere"},
		{"--add-platform", "Your bundle only supports platforms [\"arm64-darwin-22\"] but your local platform is x86_64-linux."},
		{"poetry lock", "pyproject.toml changed significantly since poetry.lock was last generated. Run `poetry lock` to fix the lock file."},
		{"uv lock", "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided. To update the lockfile, run `uv lock`."},
		{"pipenv lock", "Your Pipfile.lock (4d1c5b) is out of date. Expected: (a1b2c3)."},
		{"Cargo.lock", "error: the lock file /app/Cargo.lock needs to be updated but --locked was passed to prevent this"},
		{"Cargo.lock", "error: cannot update the lock file /app/Cargo.lock because --locked was passed to prevent this"},
		{"composer.lock", "Warning: The lock file is not up to date with the latest changes in composer.json."},
		{"composer.lock", "- Required package \"monolog/monolog\" is not present in the lock file."},
		{"go mod tidy", "a.go:2:8: missing go.sum entry for module providing package github.com/google/uuid (imported by x); to add:\n\tgo get x"},
		{"go mod tidy", "a.go:2:8: no required module provides package github.com/google/uuid; to add it:\n\tgo get github.com/google/uuid"},
		{"go mod tidy", "go: updates to go.mod needed; to update it:\n\tgo mod tidy"},
		{"go mod tidy", "go: inconsistent vendoring in /app:"},

		{"script is called", "npm error Missing script: \"build\"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error   npm run"},
		{"script is called", "npm ERR! Missing script: \"build\""},
		{"script is called", " ERR_PNPM_NO_SCRIPT  Missing script: build"},
		{"script is called", "error Command \"build\" not found."},
		{"script is called", "Usage Error: Couldn't find a script named \"build\"."},
		{"script is called", "  Command \"compile\" is not defined."},

		{"another version", "go: go.mod requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)"},
		{"another version", "npm error code EBADENGINE\nnpm error engine Unsupported engine"},
		{"another version", "error x@1.0.0: The engine \"node\" is incompatible with this module. Expected version \">=22\". Got \"18.19.0\""},
		{"another version", "Your Ruby version is 3.1.2, but your Gemfile specified 3.3.0"},
		{"another version", "ERROR: Package 'x' requires a different Python: 3.11.2 not in '>=3.12'"},
		{"another version", "- Root composer.json requires php ^8.3 but your php version (8.2.1) does not satisfy that requirement."},
		{"another version", "error: package `x v1.0.0` cannot be built because it requires rustc 1.85 or newer, while the currently active rustc version is 1.63.0"},

		{"paas build:secret", "npm error code E401\nnpm error Unable to authenticate, your authentication token seems to be invalid."},
		{"paas build:secret", "fatal: could not read Username for 'https://github.com': terminal prompts disabled"},

		{"certificate is not trusted", "npm error code SELF_SIGNED_CERT_IN_CHAIN"},
		{"certificate is not trusted", "curl: (60) SSL certificate problem: unable to get local issuer certificate"},
		{"certificate is not trusted", "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"certificate is not trusted", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain (_ssl.c:992)"},
		{"certificate is not trusted", "sun.security.validator.ValidatorException: PKIX path building failed"},

		{"could not reach the network", "W: Failed to fetch http://deb.debian.org/debian/x  Temporary failure resolving 'deb.debian.org'\nE: Unable to locate package x"},
		{"could not reach the network", "npm error code EAI_AGAIN\nnpm error request to https://registry.npmjs.org/x failed, reason: getaddrinfo EAI_AGAIN registry.npmjs.org"},
		{"could not reach the network", "npm error code ENOTFOUND\nnpm error syscall getaddrinfo"},
		{"could not reach the network", "curl: (6) Could not resolve host: example.com"},
		{"could not reach the network", "go: example.com/x@v1.0.0: Get \"https://proxy.golang.org/\": dial tcp: lookup proxy.golang.org: i/o timeout"},
		{"could not reach the network", "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution\nERROR: No matching distribution found for flask"},
		{"could not reach the network", "Net::OpenTimeout: Connection timed out - user specified timeout"},

		{"do not have the app's config", "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."},
		{"do not have the app's config", "KeyError: 'DATABASE_URL'"},
		{"do not have the app's config", "ArgumentError: Missing `secret_key_base` for 'production' environment, set this string with `bin/rails credentials:edit`"},

		{"package is not there", "ERROR: No matching distribution found for flaskk==9.9"},
		{"package is not there", "ModuleNotFoundError: No module named 'nope'"},
		{"package is not there", "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'"},
		{"package is not there", "Error: Cannot find module 'nope'\nRequire stack:\n- /app/index.js"},
		{"package is not there", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'vite' imported from /app/vite.config.js"},
		{"package is not there", "npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/nope-nope - Not found"},
		{"package is not there", "[vite]: Rollup failed to resolve import \"nope\" from \"/app/src/main.js\"."},
		{"package is not there", "Could not find gem 'nope' in rubygems repository https://rubygems.org/ or installed locally."},
		{"package is not there", "error: no matching package named `nope` found"},
		{"package is not there", "E: Unable to locate package libnope-dev"},

		{"lacks a compiler or a library", "Error: pg_config executable not found."},
		{"lacks a compiler or a library", "error: command 'gcc' failed: No such file or directory"},
		{"lacks a compiler or a library", "fatal error: libpq-fe.h: No such file or directory\ncompilation terminated."},
		{"lacks a compiler or a library", "Gem::Ext::BuildError: ERROR: Failed to build gem native extension."},
		{"lacks a compiler or a library", "npm error gyp ERR! find Python"},

		{"COPY or ADD", `failed to compute cache key: "/x" not found: not found`},
		{"COPY or ADD", "COPY failed: file not found in build context or excluded by .dockerignore: stat x: file does not exist"},
		{"needs BuildKit", "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled"},
		{"correct the Dockerfile", "dockerfile parse error line 3: unknown instruction: FORM"},

		{"may not write there", "npm error code EACCES\nnpm error Error: EACCES: permission denied, mkdir '/app/node_modules'"},
		{"may not write there", "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/usr/local/lib/python3.11'"},
		{"may not write there", "mkdir: cannot create directory '/data': Permission denied"},
		{"may not be executed", "sh: ./build.sh: Permission denied"},
		{"may not be executed", `process "/bin/sh -c ./build.sh" did not complete successfully: exit code: 126`},
		{"not in the image", "/bin/sh: 1: gcc: not found"},
		{"not in the image", "returned a non-zero code: 127"},

		{"paas builds:log", "src/index.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'."},
		{"paas builds:log", "./main.go:3:2: undefined: x"},
		{"paas builds:log", "npm warn EBADENGINE Unsupported engine {\nmake: *** [all] Error 2"},
		{"paas builds:log", "something else"},
	} {
		if got := hint(failed1, strings.Split(strings.TrimSpace(tc.text), "\n")); !strings.Contains(got, tc.want) {
			t.Errorf("the hint for %q is %q, without %q", tc.text, got, tc.want)
		}
		if got := hint(tc.text, nil); !strings.Contains(got, tc.want) {
			t.Errorf("the hint for the error %q is %q, without %q", tc.text, got, tc.want)
		}
	}
}

func TestAHintIsForTheLastThatWasSaid(t *testing.T) {
	lines := append([]string{"Permission denied", "getaddrinfo ENOTFOUND"}, strings.Split(strings.Repeat("ok\n", 20)+"npm error Missing script: \"build\"", "\n")...)
	if got := hint(failed1, lines); !strings.Contains(got, "script is called") {
		t.Error(got)
	}
	if got := hint(failed1, lines[:20]); !strings.Contains(got, "network") {
		t.Error(got)
	}
	if got := hint(failed1, []string{"\x1b[31mnpm \x1b[0merror Missing script: \"build\""}); !strings.Contains(got, "script is called") {
		t.Error(got)
	}
}

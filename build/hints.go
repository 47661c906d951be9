package build

import (
	"regexp"
	"strings"

	"paas"
)

// remedy is why builds fail with a text, and what to try then.
type remedy struct {
	text *regexp.Regexp
	hint string
}

// The first that matches counts, so what is particular comes before what is general. The texts are those of BuildKit, the
// classic builder, the kernel, common shells and the languages' own tools.
var remedies = []remedy{
	{
		regexp.MustCompile(`(?i)no space left on device|disk quota exceeded|\bEDQUOT\b`),
		"no space left on the host, so the disk is full: " + paas.SpaceHint,
	},
	{
		regexp.MustCompile(`(?i)JavaScript heap out of memory`),
		"Node's heap was full: give it more, for example `paas build:set args[NODE_OPTIONS]=--max-old-space-size=4096`",
	},
	{
		regexp.MustCompile(`(?i)exit code: 137|non-zero code: 137|out of memory|cannot allocate memory|signal: killed|oom-?kill|Killed signal terminated|java\.lang\.OutOfMemoryError`),
		"the build ran out of memory: build with fewer jobs at once, give the build more (`paas build:set memory=2GB`), or the host more memory or swap",
	},
	{
		regexp.MustCompile(`(?i)x509: |certificate verify failed|SSL certificate problem|self[- ]signed certificate|SELF_SIGNED_CERT|unable to (?:get|verify) (?:local issuer|the first) certificate|` +
			`UNABLE_TO_(?:GET_ISSUER_CERT|VERIFY_LEAF)|certificate has expired|PKIX path building failed|server certificate verification failed`),
		"a certificate is not trusted: where a proxy or a registry of your own signs them, add its authority in the Dockerfile; else check the host's clock",
	},
	{
		regexp.MustCompile(`(?i)toomanyrequests|pull rate limit`),
		"the registry of the base image wants a pause: wait, or log in there with an account that may pull more",
	},
	{
		regexp.MustCompile(`(?i)no match for platform|no matching manifest for`),
		"the base image does not exist for this kind of processor: choose another tag in FROM",
	},
	{
		regexp.MustCompile(`(?i)pull access denied|manifest unknown|manifest for .* not found|failed to resolve source metadata|repository does not exist|` +
			`dial tcp: lookup [^ ]*(?:registry|docker\.io)|registry-1\.docker\.io`),
		"the base image was not found: check the name in FROM, and that the host can `docker pull` it",
	},
	{
		regexp.MustCompile(`(?i)npm ci. (?:command )?can only install (?:packages when|with an existing)`),
		"package-lock.json is missing or out of date: run `npm install`, commit package-lock.json and push again",
	},
	{
		regexp.MustCompile(`ERR_PNPM_(?:OUTDATED_LOCKFILE|NO_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|FROZEN_LOCKFILE)`),
		"pnpm-lock.yaml is missing or out of date: run `pnpm install`, commit pnpm-lock.yaml and push again",
	},
	{
		regexp.MustCompile(`(?i)lockfile needs to be updated, but yarn was run|YN0028|lockfile would have been (?:modified|created) by this install`),
		"yarn.lock is missing or out of date: run `yarn install`, commit yarn.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)your bundle only supports platforms`),
		"Gemfile.lock is not for Linux: run `bundle lock --add-platform x86_64-linux`, commit Gemfile.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)deployment mode after changing|lockfile can't be updated because (?:frozen|deployment)|but the lockfile can't be updated|gemspecs? for .* changed`),
		"Gemfile.lock is out of date: run `bundle install`, commit Gemfile.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)poetry\.lock was last generated|poetry\.lock is not up to date`),
		"poetry.lock is out of date: run `poetry lock`, commit poetry.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)lockfile at .uv\.lock. needs to be updated|unable to find lockfile at .uv\.lock`),
		"uv.lock is missing or out of date: run `uv lock`, commit uv.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)Your Pipfile\.lock \([0-9a-f]+\) is out of date|Pipfile\.lock not found`),
		"Pipfile.lock is missing or out of date: run `pipenv lock`, commit Pipfile.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)(?:the lock file .*Cargo\.lock needs to be updated but|cannot (?:update|create) the lock file .* because) --(?:locked|frozen)`),
		"Cargo.lock is missing or out of date: run `cargo update --workspace`, commit Cargo.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)lock file (?:is not up to date with the latest changes in composer\.json|does not contain a compatible set of packages)|is not present in the lock file`),
		"composer.lock is out of date: run `composer update --lock`, commit composer.lock and push again",
	},
	{
		regexp.MustCompile(`(?i)missing go\.sum entry|updates to go\.(?:mod|sum) needed|no required module provides package|inconsistent vendoring|cannot find module providing package`),
		"go.mod or go.sum lacks a module: run `go mod tidy` (and `go mod vendor`, where there is a vendor folder), commit and push again",
	},
	{
		regexp.MustCompile(`(?i)npm (?:ERR!|error) missing script:|ERR_PNPM_NO_SCRIPT|error Command ".*" not found|couldn't find a script named|Command ".*" is not defined`),
		"a script is called that is not there: add it to the scripts of package.json (or composer.json), commit and push again",
	},
	{
		regexp.MustCompile(`(?i)npm (?:ERR!|error) (?:code EBADENGINE|notsup)|ERR_PNPM_UNSUPPORTED_ENGINE|The engine "\w+" is incompatible|go\.mod requires go >= |Your Ruby version is .*, but your Gemfile specified|` +
			`requires a different Python|Current Python version .* is not allowed|Root composer\.json requires php|requires rustc |invalid target release|release version \d+ not supported`),
		"the source wants another version of its language: set it in the file that the output names, or choose another base image",
	},
	{
		regexp.MustCompile(`(?i)npm (?:ERR!|error) code E40[13]|\b401 Unauthorized|terminal prompts disabled|Authentication failed for 'https|ERR_PNPM_FETCH_40[13]|could not read Username for`),
		"something private wants credentials: give the build a secret (`paas build:secret NPM_TOKEN=…`) and use it in the step",
	},
	{
		regexp.MustCompile(`(?i)temporary failure (?:in name resolution|resolving)|could not resolve (?:host|'|proxy)|network is unreachable|i/o timeout|no such host|TLS handshake timeout|` +
			`connection timed out|name or service not known|\b(?:ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ECONNREFUSED)\b|read timed out|network socket disconnected|failed to establish a new connection|` +
			`Could not connect to [^ ]+:\d+|UnknownHostException`),
		"the build could not reach the network: check the host's DNS and connection, and that the app's builds may use it (`paas build`), then push again",
	},
	{
		regexp.MustCompile(`(?i)ImproperlyConfigured|missing .secret_key_base.|KeyError: '[A-Z][A-Z0-9_]+'|environment variable "?[A-Z][A-Z0-9_]+"? (?:is )?(?:not (?:set|found|defined)|missing|required)`),
		"the build wants a variable, and builds do not have the app's config: `paas build:set args[NAME]=VALUE`, or read it when the app starts",
	},
	{
		regexp.MustCompile(`(?i)No matching distribution found|No module named|could not open requirements file|Could not find gem|npm (?:ERR!|error) code (?:E404|ETARGET)|ERR_PNPM_FETCH_404|` +
			`Cannot find module|Cannot find package|Can't resolve '|failed to resolve import|no matching package named|Could not find artifact|Could not find package .* in a version|` +
			`Unable to locate package|ERR_MODULE_NOT_FOUND|ERR_PNPM_NO_MATCHING_VERSION`),
		"a package is not there: is it spelled right, and named among the dependencies, not only the development ones?",
	},
	{
		regexp.MustCompile(`(?i)fatal error: [^ ]+\.h: No such file|pg_config executable not found|mysql_config not found|Failed to build gem native extension|gyp ERR! find Python|cannot find -l\w+|` +
			`command '(?:gcc|cc|x86_64-linux-gnu-gcc)' failed|linker .cc. not found|Could not find OpenSSL`),
		"a package is compiled, and the image lacks a compiler or a library for it: install that in a Dockerfile of your own, or use the package's ready-made form",
	},
	{
		regexp.MustCompile(`(?i)failed to compute cache key|(?:COPY|ADD) failed|failed to calculate checksum|file not found in build context`),
		"what COPY or ADD names is not in the commit: is it committed (`git ls-files`), and not excluded by .dockerignore?",
	},
	{
		regexp.MustCompile(`(?i)--mount option requires BuildKit|Unknown flag: mount`),
		"the step needs BuildKit, and this engine has the old builder: update the engine",
	},
	{
		regexp.MustCompile(`(?i)dockerfile parse error|unknown instruction|failed to create LLB definition`),
		"correct the Dockerfile, commit and push again",
	},
	{
		regexp.MustCompile(`(?i)EACCES: permission denied, (?:open|mkdir|unlink|scandir|rename|copyfile)|Errno 13\] Permission denied|cannot (?:create|open|touch|remove|make)[^\n]*: Permission denied|` +
			`Permission denied @ |There was an error while trying to write to|EPERM: operation not permitted|attempting to (?:mkdir|open).*permission denied`),
		"a step may not write there, because it runs as another user: write before USER, or COPY with --chown",
	},
	{
		regexp.MustCompile(`(?i)exit code: 126|non-zero code: 126|permission denied`),
		"a file may not be executed: `git update-index --chmod=+x FILE`, commit and push again",
	},
	{
		regexp.MustCompile(`(?im)exit code: 127|non-zero code: 127|command not found|executable file not found|: not found$|no such file or directory: unknown`),
		"a command is not in the image: install it in a RUN before, or use a base image that has it",
	},
}

// hint is the next thing to try after a build that failed with text, whose last step printed lines at the end. The last of
// them are asked first: what comes before may be a warning that did no harm, or, with tools that go on to explain, the cause.
func hint(text string, lines []string) string {
	last := lines[max(0, len(lines)-lastLines):]
	for _, said := range [][]string{last, lines} {
		all := text + "\n" + colourless(strings.Join(said, "\n"))
		for _, r := range remedies {
			if r.text.MatchString(all) {
				return r.hint
			}
		}
	}
	return "read the lines above, correct it and push again; `paas builds:log` shows them once more"
}

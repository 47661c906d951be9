package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"paas"
)

// typed runs a command line, far from any data that the machine has.
func typed(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	getenv := func(key string) string {
		if key == "PAAS_DATA_DIR" {
			return t.TempDir()
		}
		return env[key]
	}
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"paasd"}, args...), getenv, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestACommandLineThatCannotBeMeantIsRefusedWithTheNextOne(t *testing.T) {
	for _, c := range []struct {
		line string
		want string
	}{
		{"nosuch", "Error: paasd does not take the argument \"nosuch\"\n  try: paasd --help\n"},
		{"serve nosuch", "Error: paasd serve does not take the argument \"nosuch\"\n  try: paasd serve --help\n"},
		{"key nosuch", "Error: paasd key does not take the argument \"nosuch\"\n  try: paasd key --help\n"},
		{"serve --nosuch", "Error: unknown flag: --nosuch\n  try: paasd serve --help\n"},
		{"key add", "Error: a name and a file are needed\n  try: paasd key add ada ~/.ssh/id_ed25519.pub\n"},
		{"serve --domain http://example.com", "Error: --domain: host \"http://example.com\" is not valid: it is a URL\n  try: paasd serve --domain "},
		{"serve --domain *.example.com", "Error: --domain: host \"*.example.com\" is not valid: a * can only stand for the whole first label of a domain\n  try: paasd serve --domain "},
		{"serve --trusted-proxies 10.0.0.0", "Error: --trusted-proxies \"10.0.0.0\" is not a network\n  try: paasd serve --trusted-proxies 10.0.0.0/8"},
		{"serve --domain=", "Error: --domain: host \"\" is not valid: it is empty\n  try: paasd serve --domain "},
		{"serve --max-builds -1", "Error: --max-builds -1 is not a number of builds\n  try: paasd serve --max-builds 2\n"},
		{"serve --build-timeout 0s", "Error: --build-timeout 0s leaves builds no time\n  try: paasd serve --build-timeout 1h\n"},
		{"serve --ssh-addr 2222", "Error: \"2222\" is not an address to listen on: address 2222: missing port in address\n  hint: give "},
		{"serve --ssh-addr :99999", "Error: \":99999\" is not an address to listen on: \"99999\" is not the number of a port\n  hint: give "},
		{"serve --https-addr 443", "Error: \"443\" is not an address to listen on: address 443: missing port in address\n  hint: give "},
		{"serve --acme-directory http://ca.internal/", "Error: --acme-directory: \"http://ca.internal/\" is not the URL of an ACME directory\n  try: paasd serve --acme-directory "},
		{"serve --acme-email nobody", "Error: --acme-email \"nobody\" is not an address\n  try: paasd serve --acme-email "},
		{"serve --acme-ca /dev/null", "Error: --acme-ca: /dev/null has no certificate in PEM\n  hint: give the PEM file"},
		{"serve --router nosuch", "Error: --router \"nosuch\" is not known\n  hint: use embedded, traefik or none\n"},
		{"serve --subnet-pool 10.0.0.0/25", "Error: --subnet-pool \"10.0.0.0/25\" is not an IPv4 network of /24 or larger\n  try: paasd serve"},
	} {
		code, _, stderr := typed(t, nil, strings.Fields(c.line)...)
		if code != 2 || !strings.HasPrefix(stderr, c.want) {
			t.Errorf("%s: exit code %d, %q", c.line, code, stderr)
		}
	}
	code, _, stderr := typed(t, map[string]string{"PAAS_MAX_BUILDS": "x"}, "serve")
	if code != 2 || !strings.Contains(stderr, "PAAS_MAX_BUILDS=x") || !strings.HasSuffix(stderr, "\n  try: paasd serve --help\n") {
		t.Errorf("a variable: exit code %d, %q", code, stderr)
	}
}

func TestWithoutACommandThereIsHelp(t *testing.T) {
	for _, line := range []string{"", "key"} {
		code, stdout, stderr := typed(t, nil, strings.Fields(line)...)
		if code != 0 || !strings.Contains(stdout, "Usage:") || stderr != "" {
			t.Errorf("%q: exit code %d, %q, %q", line, code, stdout, stderr)
		}
	}
}

func TestBothProgramsTellTheSameVersion(t *testing.T) {
	code, stdout, _ := typed(t, nil, "--version")
	if code != 0 || stdout != "paasd "+paas.Version()+"\n" || strings.Contains(stdout, "(") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

func TestAKeyIsEnrolledWhereNothingRuns(t *testing.T) {
	dir := t.TempDir()
	enrol := func(name string) (int, string) {
		var out, errs strings.Builder
		key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDxOVT2ObN8pTYXfJBUvl0RVqN5jcGXQQwIXZqwKqNrg ada@laptop\n"
		args := []string{"paasd", "key", "add", name, "-", "--data-dir", dir}
		return run(t.Context(), args, func(string) string { return "" }, strings.NewReader(key), &out, &errs), out.String() + errs.String()
	}
	if code, said := enrol("ada"); code != 0 || !strings.HasPrefix(said, "ada may come in with SHA256:") {
		t.Errorf("exit code %d, %q", code, said)
	}
	if code, said := enrol("bob"); code != 5 || said != "Error: this key is known already, as \"ada\"\n  try: paas keys\n" {
		t.Errorf("the same key again: exit code %d, %q", code, said)
	}
}

func TestBuildOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // in the error; "": fine
	}{
		{[]string{"--base-image=node=registry.example.com/node:22,go=golang@sha256:0123"}, ""},
		{[]string{"--build-memory=2GB", "--build-cpus=1.5", "--build-network=none"}, ""},
		{[]string{"--base-image=nod=x"}, `nothing is built from a base image for "nod"`},
		{[]string{"--base-image=node=x y"}, "is not the name of an image"},
		{[]string{"--build-network=host"}, "--build-network"},
		{[]string{"--build-memory=1MB"}, "too little"},
		{[]string{"--build-cpus=-1"}, "too little"},
		{[]string{"--max-builds=-1"}, "--max-builds -1"},
		{[]string{"--build-timeout=0s"}, "leaves builds no time"},
	} {
		var o options
		flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
		o.bind(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		_, err := o.check()
		if c.want == "" && err != nil || c.want != "" && (paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

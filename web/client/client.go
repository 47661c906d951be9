package client

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"paas"
)

// Options say where paasd is and how to get there.
type Options struct {
	// URL is ssh://[user@]host[:port], http(s)://host[:port] or unix:///path/to/paasd.sock. The user of an ssh URL is
	// paas by default and means nothing: the key says who it is.
	URL string
	// Token is the bearer token for http(s); unused otherwise.
	Token string
	// SSHCommand is the ssh program and its leading arguments; nil: PAAS_SSH, GIT_SSH_COMMAND or GIT_SSH from Env, else ssh.
	SSHCommand []string
	// Env is the environment that ssh gets, and where the variables above are looked up; nil means the process's own.
	Env []string
	// Stderr also gets what ssh prints while it runs; nil keeps it for error messages only.
	Stderr io.Writer
}

// Client is a connection to one paasd. It is safe for concurrent use; Close it after use.
type Client struct {
	where     string // the URL as given, for messages
	base      string // the URL that requests are made of
	token     string
	http      *http.Client
	transport *http.Transport
	programs  *programs // the ssh processes; nil for other ways
}

// New prepares a client; it connects with the first call. The error is paas.Invalid for a URL that can never work.
func New(opts Options) (*Client, error) {
	u, err := url.Parse(opts.URL)
	if err != nil || opts.URL == "" {
		return nil, badURL(opts.URL)
	}
	c := &Client{where: u.Redacted(), base: "http://paas"}
	c.transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4, DialContext: (&net.Dialer{}).DialContext}
	switch u.Scheme {
	case "ssh":
		err = c.overSSH(u, opts)
	case "unix":
		err = c.overUnix(u)
	case "http", "https":
		err = c.overHTTP(u, opts)
	default:
		err = badURL(opts.URL)
	}
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: c.transport, CheckRedirect: noRedirects}
	return c, nil
}

func badURL(s string) *paas.Error {
	return paas.Errorf(paas.Invalid, "%s is not an address of paasd", paas.Quote(s)).
		WithHint("for example PAAS_URL=ssh://paas@host:2222, https://paas.example.com or unix:///var/lib/paas/paasd.sock")
}

func (c *Client) overUnix(u *url.URL) error {
	if u.Host != "" || u.Path == "" {
		return badURL(u.String()).WithHint("write the socket's full path: unix:///var/lib/paas/paasd.sock")
	}
	c.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
	}
	return nil
}

func (c *Client) overHTTP(u *url.URL, opts Options) error {
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return badURL(u.Redacted())
	}
	c.base = strings.TrimRight(u.String(), "/")
	c.token = opts.Token
	c.transport.Proxy = http.ProxyFromEnvironment
	return nil
}

func (c *Client) overSSH(u *url.URL, opts Options) error {
	env := opts.Env
	if env == nil {
		env = os.Environ()
	}
	argv := opts.SSHCommand
	if len(argv) == 0 {
		var err error
		if argv, err = sshCommand(env); err != nil {
			return err
		}
	}
	dest, err := sshDestination(u)
	if err != nil {
		return err
	}
	c.programs = newPrograms(append(append([]string(nil), argv...), dest...), env, c.where, opts.Stderr)
	c.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.programs.start(ctx) }
	return nil
}

// noRedirects: the API has none, and a token must not follow one to another host.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close ends the connections and waits for their ssh processes.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	if c.programs != nil {
		c.programs.close()
	}
	return nil
}

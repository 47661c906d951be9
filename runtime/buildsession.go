package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"paas"
)

// A build's session is a connection on which the engine asks back, by gRPC, for what it may not be told beforehand. The
// services, from github.com/moby/buildkit/session (secrets/secrets.proto, auth/auth.proto) and grpc/health/v1:
//
//	GetSecretRequest     1 ID              GetSecretResponse    1 data
//	CredentialsRequest   1 Host            CredentialsResponse  1 Username, 2 Secret
//	HealthCheckRequest   1 service         HealthCheckResponse  1 status, of which 1 is serving
const (
	methodHealth      = "/grpc.health.v1.Health/Check"
	methodSecret      = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
	methodCredentials = "/moby.filesync.v1.Auth/Credentials"
	methodDiffCopy    = "/moby.filesync.v1.FileSync/DiffCopy" // see fileSync
)

// buildSession is what one build may ask for; it asks nothing after close.
type buildSession struct {
	id     string
	server *grpcServer
}

// openSession gives a build its source, its secrets and the logins of registries. The engine keeps the files of a source by the
// session's shared key, so each app has one of its own.
func (d *Docker) openSession(ctx context.Context, spec paas.ImageSpec, logins []paas.RegistryLogin, files *fileSync) (*buildSession, error) {
	s := &buildSession{id: rand.Text()}
	calls := grpcCalls{
		methods: map[string]grpcMethod{
			methodHealth: healthy, methodSecret: secretsOf(spec.Secrets), methodCredentials: credentialsOf(logins),
		},
		streams: map[string]grpcStream{methodDiffCopy: files.serve},
	}
	headers := map[string][]string{
		"X-Docker-Expose-Session-Uuid": {s.id}, "X-Docker-Expose-Session-Name": {"paas"},
		"X-Docker-Expose-Session-Sharedkey":   {d.repository(spec.App)},
		"X-Docker-Expose-Session-Grpc-Method": slices.Concat(slices.Collect(maps.Keys(calls.methods)), slices.Collect(maps.Keys(calls.streams))),
	}
	var conn net.Conn
	err := d.call(ctx, readLimit, "open a session for the build", func(ctx context.Context) error {
		var err error
		conn, err = d.client.DialHijack(ctx, "/session", "h2c", headers)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.server = serveGRPC(conn, calls)
	return s, nil
}

func (s *buildSession) close() error { return s.server.close() }

func healthy([]byte) ([]byte, error) {
	return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), nil
}

func secretsOf(secrets map[string]string) grpcMethod {
	return func(request []byte) ([]byte, error) {
		id, err := firstField(request)
		if err != nil {
			return nil, err
		}
		value, ok := secrets[id]
		if !ok {
			return nil, &grpcError{grpcNotFound, "build secret " + paas.Quote(id) + " is not set"}
		}
		return appendText(nil, 1, value), nil
	}
}

// hubEndpoint is where Docker Hub's images are, and what the builder calls it.
const hubEndpoint = "registry-1.docker.io"

func credentialsOf(logins []paas.RegistryLogin) grpcMethod {
	return func(request []byte) ([]byte, error) {
		host, err := firstField(request)
		if err != nil {
			return nil, err
		}
		if host == hubEndpoint {
			host = paas.DockerHub
		}
		for _, l := range logins {
			if l.Host == host {
				return appendText(appendText(nil, 1, l.User), 2, l.Password), nil
			}
		}
		return nil, nil // an empty message: no credentials are known
	}
}

// firstField is the text of a request that has but one of interest.
func firstField(request []byte) (text string, err error) {
	err = fields(request, func(n protowire.Number, f field) error {
		if n == 1 {
			text = string(f.bytes)
		}
		return nil
	})
	if err == nil && text == "" {
		err = errors.New("the request names nothing")
	}
	return text, err
}

func appendText(message []byte, n protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(message, n, protowire.BytesType), text)
}

package runtime

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"paas"
)

// A current client of gRPC, as engines have it, is understood.
func TestASessionSpeaksGRPC(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cc, err := grpc.NewClient("passthrough:///session", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	cc.Connect()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := serveGRPC(conn, grpcCalls{methods: map[string]grpcMethod{
		methodHealth: healthy, methodSecret: secretsOf(map[string]string{"A": secretValue}),
		methodCredentials: credentialsOf([]paas.RegistryLogin{{Registry: paas.Registry{Host: paas.DockerHub, User: "u"}, Password: "p"}}),
	}})
	health, err := healthpb.NewHealthClient(cc).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("it is not healthy: %v, %v", health, err)
	}
	// The field 1 of such a request is where the others have the name, too.
	for path, c := range map[string]struct {
		name string
		want codes.Code
	}{
		methodSecret: {"ABSENT", codes.NotFound},
		"/moby.buildkit.secrets.v1.Secrets/Other": {"A", codes.Unimplemented},
		"/moby.filesync.v1.FileSync/DiffCopy":     {"/", codes.Unimplemented},
		"/moby.filesync.v1.Auth/FetchToken":       {"ghcr.io", codes.Unimplemented},
		"/moby.sshforward.v1.SSH/ForwardAgent":    {"default", codes.Unimplemented},
		methodCredentials:                         {"", codes.InvalidArgument},
	} {
		err := cc.Invoke(t.Context(), path, &healthpb.HealthCheckRequest{Service: c.name}, &healthpb.HealthCheckResponse{})
		if status.Code(err) != c.want {
			t.Errorf("%s of %q: %v, want %v", path, c.name, err, c.want)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := healthpb.NewHealthClient(cc).Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("after its end it says %v", err)
	}
}

func TestCredentialsAreThoseOfTheHost(t *testing.T) {
	t.Parallel()
	ask := credentialsOf([]paas.RegistryLogin{
		{Registry: paas.Registry{Host: paas.DockerHub, User: "hub"}, Password: "h"}, {Registry: paas.Registry{Host: "ghcr.io", User: "gh"}, Password: "g"},
	})
	for host, want := range map[string]string{
		"registry-1.docker.io": "\x0a\x03hub\x12\x01h", "docker.io": "\x0a\x03hub\x12\x01h", "ghcr.io": "\x0a\x02gh\x12\x01g", "evil.example": "", "ghcr.io.evil.example": "",
	} {
		got, err := ask(appendText(nil, 1, host))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
}

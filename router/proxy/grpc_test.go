package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// serveGRPC is an app that speaks nothing but gRPC: health has a unary call and a stream from the server, reflection
// a stream both ways. seen gets the metadata of each call.
func serveGRPC(t *testing.T) (addr netip.AddrPort, h *health.Server, seen <-chan metadata.MD, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan metadata.MD, 100)
	note := func(ctx context.Context) {
		md, _ := metadata.FromIncomingContext(ctx)
		calls <- md
	}
	s := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			note(ctx)
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			note(ss.Context())
			return next(srv, ss)
		}),
	)
	h = health.NewServer()
	healthpb.RegisterHealthServer(s, h)
	reflection.Register(s)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // until it is stopped
	}()
	stop = func() { s.Stop(); <-ended }
	t.Cleanup(stop)
	return addrOf(l), h, calls, stop
}

func (r *rig) grpc() *grpc.ClientConn {
	r.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+r.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("a.localhost"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	app, _, seen, _ := serveGRPC(t)
	r := start(t, Options{}, route(app))
	conn := r.grpc()
	client := healthpb.NewHealthClient(conn)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-mine", "1")
	resp, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil || resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("got %v, %v", resp, err)
	}
	md := await(t, "the call", seen)
	for name, want := range map[string]string{"x-mine": "1", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", ":authority": "a.localhost"} {
		if got := md.Get(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	_, err = client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nosuch"}) // answered with a trailer alone
	if status.Code(err) != codes.NotFound {
		t.Errorf("got %v", err)
	}
	r.line("method=POST", `path="/grpc.health.v1.Health/Check"`, "instance=web.1", "status=200", "bytes=7")
}

func TestGRPCStreams(t *testing.T) {
	t.Parallel()
	app, h, _, _ := serveGRPC(t)
	r := start(t, Options{}, route(app))
	conn := r.grpc()
	watch, err := healthpb.NewHealthClient(conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{
		healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_SERVING,
	} {
		got, err := watch.Recv() // as it comes, or this waits for ever
		if err != nil || got.GetStatus() != want {
			t.Fatalf("got %v, %v", got, err)
		}
		next := healthpb.HealthCheckResponse_NOT_SERVING
		if want == next {
			next = healthpb.HealthCheckResponse_SERVING
		}
		h.SetServingStatus("", next)
	}

	talk, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := talk.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
			t.Fatal(err)
		}
		if got, err := talk.Recv(); err != nil || len(got.GetListServicesResponse().GetService()) == 0 {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); err != io.EOF { //nolint:errorlint // as gRPC documents it
		t.Errorf("got %v", err)
	}
}

func TestGRPCIsTriedOnAnotherBackendWhereOneRefuses(t *testing.T) {
	t.Parallel()
	app, _, _, _ := serveGRPC(t)
	r := start(t, Options{}, route(refusing(t), app))
	client := healthpb.NewHealthClient(r.grpc())
	for range 20 {
		if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	r.put(route(refusing(t)))
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	r.line("code=H21")
}

func TestGRPCDrains(t *testing.T) {
	t.Parallel()
	old, _, _, stop := serveGRPC(t)
	r := start(t, Options{}, route(old))
	client := healthpb.NewHealthClient(r.grpc())
	watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	next, _, _, _ := serveGRPC(t)
	r.put(route(next))
	if d := await(t, "the drain", r.drain(50*time.Millisecond, old)); d.cut != 1 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	if _, err := watch.Recv(); err == nil {
		t.Error("the stream goes on")
	}
	stop()
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
}

func TestGRPCClientThatGoesEndsItsCall(t *testing.T) {
	t.Parallel()
	app, _, _, _ := serveGRPC(t)
	r := start(t, Options{}, route(app))
	ctx, cancel := context.WithCancel(t.Context())
	watch, err := healthpb.NewHealthClient(r.grpc()).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.line("code=H27")
	eventually(t, "nothing in flight", func() bool {
		for b := range r.live.all() {
			if b.inflight.Load() != 0 {
				return false
			}
		}
		return true
	})
}

func TestGRPCThatIsSilentForLongIsCut(t *testing.T) {
	t.Parallel()
	app, _, _, _ := serveGRPC(t)
	r := start(t, Options{Timeouts: Timeouts{Idle: 300 * time.Millisecond}}, route(app))
	watch, err := healthpb.NewHealthClient(r.grpc()).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err == nil {
		t.Error("it goes on")
	}
	r.line("code=H15")
}

func TestGRPCOverHTTP1GoesToTheAppAsItIs(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	req := r.request(http.MethodPost, "/", nil)
	req.Header.Set("Content-Type", "application/grpc-web")
	if resp, _ := r.do(r.http2Client(), req); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

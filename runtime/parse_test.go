package runtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/jsonstream"
	"google.golang.org/protobuf/encoding/protowire"

	"paas"
)

func TestListenersAreReadFromTheKernelsTables(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1388 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1
   3: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1
   4: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1
`
	got, err := parseListeners(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"127.0.0.1:5000", "[::]:8080", "[::1]:80", "127.0.0.1:81"}
	texts := make([]string, len(got))
	for i, l := range got {
		texts[i] = l.String()
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	if _, err := parseListeners(strings.NewReader("0: xyz:1 0:0 0A\n")); err == nil {
		t.Error("garbage is an address")
	}
}

func TestAddressesGoRoundASubnetWithoutItsEndsAndGateway(t *testing.T) {
	t.Parallel()
	subnet := netip.MustParsePrefix("10.84.0.0/29")
	var got []string
	addr := netip.Addr{}
	for range 6 {
		addr = after(addr, subnet)
		got = append(got, addr.String())
	}
	if diff := cmp.Diff([]string{"10.84.0.2", "10.84.0.3", "10.84.0.4", "10.84.0.5", "10.84.0.6", "10.84.0.2"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFullSubnetHasNoAddressUntilOneIsReleased(t *testing.T) {
	t.Parallel()
	subnet := netip.MustParsePrefix("10.84.0.0/29")
	var a addresses
	a.learn("app", subnet, nil, nil)
	for i := range 5 {
		addr, ok := a.next("app", subnet)
		if !ok {
			t.Fatalf("address %d is missing", i)
		}
		a.hold("app", addr, addr.String())
	}
	if addr, ok := a.next("app", subnet); ok {
		t.Errorf("address %s is given twice", addr)
	}
	a.release("10.84.0.4")
	if addr, ok := a.next("app", subnet); !ok || addr.String() != "10.84.0.4" {
		t.Errorf("address %s", addr)
	}
	// What a listing does not have any more is free; what was taken while it was made is not.
	before := a.snapshot("app")
	a.hold("app", netip.MustParseAddr("10.84.0.4"), "new")
	a.learn("app", subnet, before, nil)
	if diff := cmp.Diff(map[netip.Addr]string{netip.MustParseAddr("10.84.0.4"): "new"}, a.snapshot("app"), cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
		t.Error(diff)
	}
}

func TestExposedPortIsTheOneTCPPort(t *testing.T) {
	t.Parallel()
	for want, exposed := range map[int][]string{8000: {"8000/tcp", "53/udp"}, 80: {"80"}, 0: {"1/tcp", "2/tcp"}} {
		ports := map[string]struct{}{}
		for _, p := range exposed {
			ports[p] = struct{}{}
		}
		if got := exposedPort(ports); got != want {
			t.Errorf("%v: %d, want %d", exposed, got, want)
		}
	}
	if got := exposedPort(map[string]struct{}{"nonsense/tcp": {}}); got != 0 {
		t.Errorf("nonsense: %d", got)
	}
}

func TestFramesRefuseWhatIsNotFramed(t *testing.T) {
	t.Parallel()
	in := newFrames(strings.NewReader("\x01\x00\x00\x00\x00\x00\x00\x03abc\x02\x00\x00\x00\x00\x00\x00\x00"))
	for _, want := range []string{"abc", ""} {
		if got, err := in.next(); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := in.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := newFrames(strings.NewReader("plain text of a terminal")).next(); !errors.Is(err, errNotFramed) {
		t.Errorf("plain text: %v", err)
	}
	if _, err := newFrames(strings.NewReader("\x01\x00\x00\x00\x00\x00\x00\x09abc")).next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a torn frame: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x03abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newFrames(bytes.NewReader(b))
		for total := 0; ; {
			frame, err := in.next()
			if err != nil {
				return
			}
			if total += len(frame) + 8; total > len(b) {
				t.Fatal("more came out than was put in")
			}
		}
	})
}

func TestBuildKitsStatusIsReadAsEvents(t *testing.T) {
	t.Parallel()
	stamp := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1_700_000_000)
	stamp = protowire.AppendVarint(protowire.AppendTag(stamp, 2, protowire.VarintType), 5)
	str := func(b []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
	}
	vertex := str(str(str(nil, 1, "sha256:a"), 2, "sha256:input"), 3, "RUN make")
	vertex = protowire.AppendVarint(protowire.AppendTag(vertex, 4, protowire.VarintType), 1)
	vertex = str(str(vertex, 5, string(stamp)), 7, "exit code: 2")
	logged := str(protowire.AppendVarint(protowire.AppendTag(str(nil, 1, "sha256:a"), 3, protowire.VarintType), 2), 4, "\xffout")
	raw := str(str(str(str(nil, 1, string(vertex)), 2, "\x0a\x01s"), 3, string(logged)), 9, "of a later version")

	aux, err := json.Marshal(base64.StdEncoding.EncodeToString(raw))
	if err != nil {
		t.Fatal(err)
	}
	var got []paas.BuildEvent
	tr := &trace{events: func(e paas.BuildEvent) { got = append(got, e) }}
	if err := tr.message(jsonstream.Message{ID: messageTrace, Aux: (*json.RawMessage)(&aux)}); err != nil {
		t.Fatal(err)
	}
	want := []paas.BuildEvent{
		{Step: "sha256:a", Name: "RUN make", Cached: true, Started: time.Unix(1_700_000_000, 5).UTC(), Error: "exit code: 2"},
		{Step: "sha256:a", Output: []byte("\xffout")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if tr.failure() != "RUN make" {
		t.Errorf("failed at %q", tr.failure())
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte("\x0a\x03\x0a\x01a"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseStatus(raw) })
}

func TestTheOldBuildersTextIsReadAsEvents(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	var got []paas.BuildEvent
	c := &classic{now: func() time.Time { return now }, events: func(e paas.BuildEvent) { got = append(got, e) }}
	const stream = `{"stream":"Step 1/2 : FROM scratch"}
{"stream":"\n"}
{"stream":" ---\u003e Using cache\n"}
{"stream":" ---\u003e 0123456789ab\n"}
{"stream":"Step 2/2 : RUN make"}
{"stream":"\n"}
{"stream":" ---\u003e Running in 0123456789ab\n"}
{"stream":"made\n"}
{"stream":"Removing intermediate container 0123456789ab\n"}
{"aux":{"ID":"sha256:abc"}}
{"stream":"Successfully built 0123456789ab\n"}
`
	id, err := followBuild(strings.NewReader(stream), c)
	if err != nil || id != "sha256:abc" {
		t.Errorf("image %q, %v", id, err)
	}
	want := []paas.BuildEvent{
		{Step: "1", Name: "Step 1/2 : FROM scratch", Started: now},
		{Step: "1", Name: "Step 1/2 : FROM scratch", Completed: now, Cached: true},
		{Step: "2", Name: "Step 2/2 : RUN make", Started: now},
		{Step: "2", Output: []byte("made\n")},
		{Step: "2", Name: "Step 2/2 : RUN make", Completed: now},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABuildWithoutBuildKitWorks(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	var s steps
	build := func(line string) (string, error) {
		b := &imageBuild{Docker: d, spec: imageSpec(), version: "1", events: s.add}
		return b.run(t.Context(), tree(t, line))
	}
	id, err := build(`RUN ["/probe", "exit", "0"]`)
	if err != nil || !strings.HasPrefix(id, "sha256:") {
		t.Fatalf("image %q, %v", id, err)
	}
	if got := s.outputOf(t, "RUN"); got != "exiting with 0\n" {
		t.Errorf("output %q", got)
	}
	_, err = build(`RUN ["/probe", "exit", "3"]`)
	wantCode(t, err, paas.Failed)
	if !strings.Contains(err.Error(), "RUN") || !strings.Contains(err.Error(), "code: 3") {
		t.Errorf("error %v", err)
	}
}

// Command pebble is Let's Encrypt's test authority with what the tests of this repository need beside it: a resolver for
// which every name is this machine, but for those under "nowhere.test", and control from the process that started it.
//
// It says where it is in one line of JSON on its standard output. Then it reads commands, a line each, and answers each
// with a line:
//
//	ports HTTP TLS   from now on challenges are looked at on these ports
//	orders           how many orders there were
//
// It ends when its standard input does.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log" //nolint:depguard // what pebble writes to
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pebble:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("pebble", flag.ContinueOnError)
	validity := flags.Duration("validity", 90*24*time.Hour, "of what it issues")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	resolver, err := startResolver()
	if err != nil {
		return err
	}
	log := log.New(stderr, "", log.LstdFlags)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one", ValidityPeriod: uint64(validity.Seconds())}}
	authority := ca.New(log, store, "", "ecdsa", 0, 1, profiles)

	a := &endpoint{serve: func(httpPort, tlsPort int) http.Handler {
		validation := va.New(log, httpPort, tlsPort, true, resolver, store)
		front := wfe.New(log, store, validation, authority, []string{"pebble.test"}, true, false, 1, 1)
		return front.Handler()
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	own, text, err := certificate()
	if err != nil {
		return err
	}
	go func() { // ends with the process
		server := &http.Server{Handler: a, TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}}, ReadHeaderTimeout: time.Minute, ErrorLog: log}
		log.Println(server.ServeTLS(l, "", ""))
	}()
	err = json.NewEncoder(stdout).Encode(map[string]string{
		"directory": "https://" + l.Addr().String() + wfe.DirectoryPath, "ca": string(text), "root": string(authority.GetRootCert(0).PEM()),
	})
	if err != nil {
		return err
	}
	return a.obey(stdin, stdout)
}

// endpoint is the authority's front, once it knows where to look at challenges.
type endpoint struct {
	serve  func(httpPort, tlsPort int) http.Handler
	front  atomic.Pointer[http.Handler]
	orders atomic.Int64
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	front := e.front.Load()
	if front == nil {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/order-plz" {
		e.orders.Add(1)
	}
	(*front).ServeHTTP(w, r)
}

func (e *endpoint) obey(stdin io.Reader, stdout io.Writer) error {
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		var httpPort, tlsPort int
		if n, _ := fmt.Sscanf(lines.Text(), "ports %d %d", &httpPort, &tlsPort); n == 2 {
			front := e.serve(httpPort, tlsPort)
			e.front.Store(&front)
		}
		if _, err := fmt.Fprintln(stdout, e.orders.Load()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// startResolver answers questions for addresses, until the process ends.
func startResolver() (addr string, err error) {
	pc, l, err := listenBoth()
	if err != nil {
		return "", err
	}
	go func() {
		log.Println((&dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(resolve)}).ActivateAndServe())
	}()
	go func() { log.Println((&dns.Server{Listener: l, Handler: dns.HandlerFunc(resolve)}).ActivateAndServe()) }()
	return pc.LocalAddr().String(), nil
}

// listenBoth has one port for both protocols: the system chooses one that is free for the first, not for the second.
func listenBoth() (pc net.PacketConn, l net.Listener, err error) {
	for range 20 {
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return nil, nil, err
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			return pc, l, nil
		}
		err = errors.Join(err, pc.Close())
	}
	return nil, nil, err
}

func resolve(w dns.ResponseWriter, q *dns.Msg) {
	answer := new(dns.Msg).SetReply(q)
	for _, question := range q.Question {
		if strings.HasSuffix(question.Name, "nowhere.test.") {
			answer.Rcode = dns.RcodeNameError
		} else if question.Qtype == dns.TypeA {
			header := dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}
			answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
		}
	}
	if err := w.WriteMsg(answer); err != nil {
		log.Println(err)
	}
}

// certificate is that of the authority's own front, which is its own root.
func certificate() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// Probe is the program inside the images of this package's tests. Its first argument says what it does.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	acts := map[string]func(args []string) int{
		"env": env, "exit": exit, "wait": wait, "deaf": deaf, "cat": cat, "hang": hang, "lines": lines, "bytes": odd,
		"flood": flood, "listen": listen, "size": size, "signals": signals, "crash": crash, "write": write, "spill": spill,
		"eat": eat, "drain": drain, "sum": sum, "show": show, "interfaces": interfaces, "reach": reach, "burn": burn,
	}
	if len(os.Args) < 2 || acts[os.Args[1]] == nil {
		fmt.Println("probe", strings.Join(os.Args[1:], " "))
		return
	}
	os.Exit(acts[os.Args[1]](os.Args[2:]))
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func env([]string) int {
	vars := os.Environ()
	slices.Sort(vars)
	fmt.Println(strings.Join(vars, "\n"))
	return 0
}

func exit(args []string) int {
	fmt.Println("exiting with", args[0])
	return atoi(args[0])
}

// wait ends well when it is asked to.
func wait([]string) int {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	fmt.Println("ready")
	fmt.Println("got", <-asked)
	return 0
}

func deaf([]string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	fmt.Println("ready")
	time.Sleep(time.Hour)
	return 0
}

// hang ignores the hang-up, says so, and ends at TERM.
func hang([]string) int {
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGHUP, syscall.SIGTERM)
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, <-got, <-got)
	return 5
}

func cat([]string) int {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		return 1
	}
	return 0
}

// drain counts its input only, and ends with it.
func drain([]string) int {
	n, err := io.Copy(io.Discard, os.Stdin)
	fmt.Println(n, err)
	return 0
}

// lines prints n numbered lines, on both streams in turn, and then waits if there is a second argument.
func lines(args []string) int {
	for i := range atoi(args[0]) {
		if i%2 == 0 {
			fmt.Println("line", i)
		} else {
			fmt.Fprintln(os.Stderr, "line", i)
		}
	}
	if len(args) > 1 {
		return wait(nil)
	}
	return 0
}

// odd prints bytes that are hard on a log: not UTF-8, an empty line, a long line, and an unfinished one.
func odd([]string) int {
	out := bufio.NewWriter(os.Stdout)
	out.WriteString("\xff\xfe bytes \x00 and\ttab\r\n\n")
	out.Write(bytes.Repeat([]byte("x"), 25_000))
	out.WriteString("\nunfinished")
	out.Flush()
	return 3
}

// flood prints n lines of a hundred bytes, numbered, as fast as it can, and then waits.
func flood(args []string) int {
	out := bufio.NewWriter(os.Stdout)
	pad := strings.Repeat(".", 89)
	for i := range atoi(args[0]) {
		fmt.Fprintf(out, "%010d%s\n", i, pad)
	}
	out.Flush()
	if len(args) > 1 {
		return wait(nil)
	}
	return 0
}

// spill writes n bytes of a pattern to stdout.
func spill(args []string) int {
	n := atoi(args[0])
	block := make([]byte, 1<<16)
	for sent := 0; sent < n; {
		for i := range block {
			block[i] = byte((sent + i) * 31 >> 3)
		}
		part := block[:min(len(block), n-sent)]
		if _, err := os.Stdout.Write(part); err != nil {
			return 1
		}
		sent += len(part)
	}
	return 0
}

func listen(args []string) int {
	port := os.Getenv("PORT")
	if len(args) > 1 {
		port = args[1]
	}
	l, err := net.Listen("tcp", net.JoinHostPort(args[0], port))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		fmt.Fprintln(c, "hello")
		c.Close()
	}
}

// size prints the terminal's size, again at every change, until a line comes in.
func size([]string) int {
	changed := make(chan os.Signal, 8)
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		for {
			var ws struct{ rows, cols, x, y uint16 }
			syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&ws)))
			fmt.Printf("%dx%d\n", ws.cols, ws.rows)
			<-changed
		}
	}()
	bufio.NewReader(os.Stdin).ReadString('\n')
	return 0
}

// signals prints what it gets and ends with 42 at INT.
func signals([]string) int {
	got := make(chan os.Signal, 8)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGINT)
	fmt.Println("ready")
	for s := range got {
		fmt.Println(s)
		if s == syscall.SIGINT {
			return 42
		}
	}
	return 0
}

// crash ends at once the first time and waits the second.
func crash([]string) int {
	if _, err := os.Stat("/crashed"); err == nil {
		fmt.Println("again")
		return wait(nil)
	}
	if err := os.WriteFile("/crashed", nil, 0o600); err != nil {
		fmt.Println(err)
	}
	fmt.Println("crash")
	return 9
}

func write(args []string) int {
	if err := os.WriteFile(args[0], []byte("x"), 0o600); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("written")
	return wait(nil)
}

// eat takes memory until it is stopped.
func eat(args []string) int {
	var all [][]byte
	for len(args) == 0 || len(all) < atoi(args[0]) { // MB
		all = append(all, bytes.Repeat([]byte{1}, 1<<20))
	}
	fmt.Println("ate", len(all))
	return 0
}

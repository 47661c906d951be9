package main

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// sum says a file's SHA-256.
func sum(args []string) int {
	content, err := os.ReadFile(args[0])
	if err != nil {
		fmt.Println(err)
		return 0
	}
	fmt.Printf("%x\n", sha256.Sum256(content))
	return 0
}

// show writes a file to its output in pieces, and something to its other output between them.
func show(args []string) int {
	content, err := os.ReadFile(args[0])
	if err != nil {
		return 1
	}
	for _, b := range content {
		os.Stdout.Write([]byte{b})
		time.Sleep(5 * time.Millisecond)
		os.Stderr.Write([]byte("."))
	}
	fmt.Println()
	return 0
}

// interfaces names those of the network.
func interfaces([]string) int {
	found, err := net.Interfaces()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, i := range found {
		fmt.Println(i.Name)
	}
	return 0
}

// reach says which addresses take a connection.
func reach(args []string) int {
	for _, addr := range args {
		conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
		if err == nil {
			conn.Close()
		}
		fmt.Println(addr, err == nil)
	}
	return 0
}

// burn keeps two cores busy for some milliseconds, and says how many of one core it had.
func burn(args []string) int {
	end := time.Now().Add(time.Duration(atoi(args[0])) * time.Millisecond)
	go func() {
		for time.Now().Before(end) {
		}
	}()
	for time.Now().Before(end) {
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 1
	}
	fmt.Println(time.Duration(used.Utime.Nano() + used.Stime.Nano()).Milliseconds())
	return 0
}

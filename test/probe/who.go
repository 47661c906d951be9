package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// identity is what a process can say of itself.
type identity struct {
	Instance string   `json:"instance"`
	Release  string   `json:"release"`
	Commit   string   `json:"commit"`
	Args     []string `json:"args"`
	PID      int      `json:"pid"`
	UID      int      `json:"uid"`
	GID      int      `json:"gid"`
	Workdir  string   `json:"workdir"`
	Hostname string   `json:"hostname"`
	Binary   string   `json:"binary"` // SHA-256 of the program: stands for the image
	mounts
}

// mounts is what the process sees of the host's files.
type mounts struct {
	Mounts       []string `json:"mounts"`        // mount points
	EngineSocket bool     `json:"engine_socket"` // a socket of the container engine is there
}

func (p probe) who() (identity, error) {
	workdir, err := os.Getwd()
	if err != nil {
		return identity{}, err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return identity{}, err
	}
	binary, err := fileSum("/proc/self/exe")
	if err != nil {
		return identity{}, err
	}
	seen, err := seenMounts()
	if err != nil {
		return identity{}, err
	}
	return identity{
		Instance: p.env("PAAS_INSTANCE"), Release: p.env("PAAS_RELEASE"), Commit: p.env("PAAS_COMMIT"),
		Args: os.Args, PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid(),
		Workdir: workdir, Hostname: hostname, Binary: binary, mounts: seen,
	}, nil
}

func (p probe) printWho(context.Context, []string) error {
	who, err := p.who()
	if err != nil {
		return err
	}
	return writeJSON(p.stdout, who)
}

func (p probe) printMounts(context.Context, []string) error {
	seen, err := seenMounts()
	if err != nil {
		return err
	}
	return writeJSON(p.stdout, seen)
}

func seenMounts() (mounts, error) {
	table, err := os.Open("/proc/mounts")
	if err != nil {
		return mounts{}, err
	}
	defer table.Close()
	points, err := mountPoints(table)
	if err != nil {
		return mounts{}, fmt.Errorf("read /proc/mounts: %w", err)
	}
	return mounts{Mounts: points, EngineSocket: exists("/var/run/docker.sock") || exists("/run/docker.sock")}, nil
}

// mountPoints reads the second field of each line of a mount table, with its octal escapes for space, tab, newline and
// backslash undone.
func mountPoints(table io.Reader) ([]string, error) {
	plain := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	points := []string{}
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 {
			points = append(points, plain.Replace(fields[1]))
		}
	}
	return points, lines.Err()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

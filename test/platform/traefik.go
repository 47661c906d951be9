package platform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// TraefikImage returns the name of the image of the Traefik that is tested with, built on first use.
func TraefikImage() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(root, "test", "traefik.sh"), "image")
	cmd.Stderr = os.Stderr
	name, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make the image of Traefik: %w", err)
	}
	return strings.TrimSpace(string(name)), nil
}

// Traefik says whether that is the router.
func (p *Platform) Traefik() bool { return p.traefik != "" }

# What a developer and CI type. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help build test conformance faults soak soak-router vet lint fmt bench bench-router demo demo-down engine-down clean

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)

# The version that the binaries tell is the commit's, where this is a git work tree that git is willing to read.
VCS := $(shell git status --porcelain >/dev/null 2>&1 && echo true || echo false)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/paasd and bin/paas, static
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -buildvcs=$(VCS) -ldflags='-s -w' -o bin/ ./cmd/paasd ./cmd/paas

test: ## everything: sets up a Docker engine where there is none, vets, lints, tests with the race detector
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@test/images.sh
	@test/traefik.sh image >/dev/null
	@$(MAKE) --no-print-directory vet lint
	go test -race -shuffle=on -count=1 -timeout=20m ./...
	cd test/traefik && go test -race ./...

conformance: ## the twelve factors, shown id by id through both real binaries; writes their table in docs/reliability.md
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@test/images.sh
	@test/traefik.sh image >/dev/null
	PAAS_RELIABILITY_DOC=$(CURDIR)/docs/reliability.md go test -race -v -count=1 ./test/conformance

faults: ## deploys and accidents under load, one after the other; writes the table of docs/reliability.md
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@test/images.sh
	@test/traefik.sh image >/dev/null
	PAAS_RELIABILITY_DOC=$(CURDIR)/docs/reliability.md go test -race -v -count=1 -parallel 1 -timeout 40m ./test/faults

soak: ## 500 deploys, and what of them stays in memory and on disk, into docs/reliability.md; takes ten minutes or more
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@$(MAKE) --no-print-directory build
	SOAK_DOC=$(CURDIR)/docs/reliability.md go test -run '^$$' -bench Soak -benchtime 1x -timeout 60m ./test/soak

soak-router: ## the router at full load for ten minutes with a deploy every 5 s, into docs/reliability.md; SOAK_TIME=2m for less
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@$(MAKE) --no-print-directory build
	SOAK_DOC=$(CURDIR)/docs/reliability.md go test -run '^$$' -bench Router -benchtime 1x -timeout 30m ./test/soak

vet:
	go vet ./...
	cd examples/hello && go vet ./...
	cd test/pebble && go vet ./...
	cd test/registry && go vet ./...
	cd test/traefik && go vet ./...

lint: $(GOLANGCI) ## golangci-lint, as .golangci.yml says
	$(GOLANGCI) run ./...
	cd examples/hello && ../../$(GOLANGCI) run --config ../../.golangci.yml ./...
	cd test/pebble && ../../$(GOLANGCI) run --config ../../.golangci.yml ./...
	cd test/registry && ../../$(GOLANGCI) run --config ../../.golangci.yml ./...
	cd test/traefik && ../../$(GOLANGCI) run --config ../../.golangci.yml ./...

fmt: $(GOLANGCI) ## gofumpt
	$(GOLANGCI) fmt

# Built once and kept, since it takes over a minute; go.mod knows nothing of it.
$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION), once: takes a minute or two"
	@mkdir -p $(@D)
	@GOFLAGS= GOBIN=$(CURDIR)/.cache/bin/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .cache/bin/new/golangci-lint $@

bench: ## what the platform adds to Docker's own times, as ratios, into docs/benchmarks.md
	@test/engine.sh tools git ssh curl cc
	@test/engine.sh up test
	@$(MAKE) --no-print-directory build
	BENCH_DOC=$(CURDIR)/docs/benchmarks.md go test -run '^$$' -bench . -benchtime 15x -timeout 30m ./test/bench

bench-router: ## the router beside nginx, HAProxy and Caddy, which it installs, into docs/benchmarks-router.md
	@test/engine.sh tools wrk nginx haproxy caddy taskset
	@mkdir -p bin
	go build -o bin/benchrouter ./test/benchrouter
	bin/benchrouter -doc docs/benchmarks-router.md -traefik "$$(test/traefik.sh)"

demo: ## the whole thing at work on this machine: set-up, a push, config, scale, a run, a rollback; leaves it running
	@test/engine.sh tools git ssh curl
	@test/engine.sh up demo
	@$(MAKE) --no-print-directory build
	@test/demo.sh up

demo-down: ## stops the demo and removes all of it
	@test/demo.sh down
	@test/engine.sh down demo

engine-down: ## stops the Docker engine that make started, if it did
	@test/engine.sh down

clean: ## removes what was built; the caches in .cache stay
	rm -rf bin examples/hello/hello

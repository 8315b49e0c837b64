# The commands that always work; see CONTRIBUTING.md.

SHELL := /bin/bash
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all
all: check

## demo: both forms of a real server from one compile, deployed and compared here
.PHONY: demo
demo: dist/twofold
	@examples/demo.sh dist/twofold

.PHONY: dist/twofold
dist/twofold:
	@mkdir -p dist
	@CGO_ENABLED=0 go build -trimpath -o dist/twofold .

## check: the quick part, for every save: format, vet, staticcheck, unit tests
.PHONY: check
check: format vet staticcheck
	go test -short ./...

.PHONY: format
format:
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet:
	go vet ./...
	go vet -tags e2e ./...

.PHONY: staticcheck
staticcheck:
	go run $(STATICCHECK) -tags e2e ./...

## test: everything, against real engines; installs what it needs
.PHONY: test
test: format vet staticcheck
	e2e/install.sh
	e2e/install.sh aws
	e2e/install.sh kube
	go build -race ./...
	@# One package at a time: most start processes and watch what these do in time.
	go test -race -p 1 -timeout 20m ./...
	cd e2e/kube/knative && go test ./...
	@# One package at a time: each starts engines that change the machine's network.
	go test -timeout 30m -count=1 -p 1 -tags e2e ./e2e ./targets/docker ./targets/kubernetes/... ./targets/lambda ./targets/local ./targets/local/container ./targets/queue

## bench: speed, each figure beside a peer's from the same run
.PHONY: bench
bench: dist/twofold
	e2e/bench.sh dist/twofold
	cd adapter/bench && go test -run '^$$' -bench . -benchtime 1x .
	go test -run '^$$' -bench . ./manifest/... ./release/... ./build/... ./targets/...

## programs: build what twofold carries with it, the adapter and the gateway, after a change to them
.PHONY: programs
programs:
	go generate ./adapter/binaries ./targets/gateway/binaries

## docs: write the reference of the manifest, which is made of the language itself
.PHONY: docs
docs:
	go run . schema --markdown > docs/manifest.md.new
	mv docs/manifest.md.new docs/manifest.md

.PHONY: clean
clean:
	rm -rf dist

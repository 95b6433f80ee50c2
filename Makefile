# Everything that a developer types. `make help` lists it.

GO        ?= go
BIN       := bin/paylake
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -s -w -X main.version=$(VERSION)
PKGS      := ./...
FUZZTIME  ?= 10s

.DEFAULT_GOAL := help
.PHONY: help build demo test race check fmt vet lint fuzz proof integration interop bench bench-duckdb bench-merge dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/paylake
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/paylake

demo: build ## export a simulated 90-day account into ./demo-lake
	$(BIN) demo --lake ./demo-lake

test: ## all tests that need nothing but Go, race detector on
	$(GO) test -race -timeout 30m $(PKGS)

fmt: ## fail when a file is not formatted
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi

vet: ## go vet
	$(GO) vet $(PKGS)
	$(GO) vet -tags integration,proof $(PKGS)

lint: ## staticcheck, pinned in go.mod
	$(GO) tool staticcheck $(PKGS)

fuzz: ## run every fuzz target for FUZZTIME (default 10s each)
	@for pkg in $$($(GO) list $(PKGS)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

proof: ## 18 months of a merchant's life in virtual time, a sync each day, and what a sync costs in requests (minutes)
	$(GO) test -tags proof -run 'Long|Numbers' -count 1 -v -timeout 60m ./internal/proof

integration: ## tests against real S3 servers on loopback (needs Node with npm; builds the servers once)
	internal/integration/run.sh

interop: build ## let DuckDB, delta-rs, Polars, ClickHouse and Spark read the demo's tables (needs Python 3 and Java 17)
	internal/interop/run.sh

bench: ## decoder, Parquet writer, HTTP to committed tables, loads and commits of the log, uploads to S3, merges, and DuckDB and delta-rs if there is Python
	$(GO) test -run '^$$' -bench . -benchmem ./schema ./writer
	$(GO) test -run '^$$' -bench . -skip BenchmarkMerge -benchtime 1x -timeout 30m ./internal/bench
	$(GO) test -run '^$$' -bench . -benchtime 5x -timeout 30m ./sink/delta
	PACKAGES=./sink/store/s3 FLAGS="-run ^$$ -bench Upload -benchtime 3x -count 3" internal/integration/run.sh
	-$(MAKE) bench-duckdb
	$(MAKE) bench-merge

bench-duckdb: build ## JSON to Parquet against DuckDB: CPU seconds and size (needs Python 3)
	internal/interop/venv.sh
	.venv/bin/python internal/interop/bench_duckdb.py --paylake $(BIN)

bench-merge: ## 1,000 changed rows into a table of 8 million, beside delta-rs doing the same if there is Python: seconds, memory, bytes written
	-internal/interop/venv.sh
	$(GO) test -run '^$$' -bench BenchmarkMerge -benchtime 1x -timeout 30m ./internal/bench

dist: ## static binaries for linux amd64 and arm64 and darwin arm64 in dist/, with SHA256SUMS (minutes; container: internal/dist/Containerfile)
	GO='$(GO)' VERSION='$(VERSION)' internal/dist/build.sh

check: fmt vet lint test build ## what CI runs: format, vet, lint, tests, the demo twice (the second commits nothing), S3 servers, other engines
	rm -rf ./demo-lake && $(BIN) demo --lake ./demo-lake
	$(BIN) demo --lake ./demo-lake --json > bin/demo-second.json && ! grep -E '"commits": *[1-9]' bin/demo-second.json
	$(MAKE) proof
	$(MAKE) integration
	$(MAKE) interop

clean: ## remove what was built
	rm -rf bin dist demo-lake paylake-work interop-lake

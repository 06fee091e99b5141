# TroupeDB. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
# One profile for everything that runs: RocksDB and DataFusion are compiled once.
PROFILE := --release

.PHONY: help setup run build fmt lint test golden bench doc check

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what a build needs (libclang for RocksDB's bindings)
	@scripts/setup.sh build

run: setup ## build and start the database (ARGS="--data-dir /somewhere")
	$(CARGO) run $(PROFILE) --locked -- start $(ARGS)

build: setup ## build the binary
	$(CARGO) build $(PROFILE) --locked

fmt: ## format the code
	$(CARGO) fmt

lint: setup ## rustfmt, clippy with warnings as errors
	$(CARGO) fmt --check
	$(CARGO) clippy $(PROFILE) --locked --all-targets -- -D warnings

test: ## the whole test suite, with the real clients it needs
	@scripts/setup.sh build
	@scripts/setup.sh test
	$(CARGO) test $(PROFILE) --locked

golden: setup ## record the golden files anew; review the diff
	UPDATE_GOLDENFILES=1 $(CARGO) test $(PROFILE) --locked golden

bench: ## against MariaDB with sysbench; writes docs/benchmarks.md
	@scripts/setup.sh build
	@scripts/setup.sh bench
	$(CARGO) build $(PROFILE) --locked
	scripts/bench.py

doc: setup ## the API's documentation
	$(CARGO) doc $(PROFILE) --locked --no-deps

check: lint test ## what CI runs

# TroupeDB. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
# One profile for everything that runs: RocksDB and DataFusion are compiled once.
PROFILE := --release

TARGET := $(or $(CARGO_TARGET_DIR),target)
# On Linux RocksDB is built by scripts/rocksdb.sh, in less time than its crate takes.
ifeq ($(shell uname -s),Linux)
export ROCKSDB_LIB_DIR := $(abspath $(TARGET))/rocksdb
export ROCKSDB_STATIC := 1
endif

.PHONY: help setup run build fmt lint test golden suite differ bench fresh-check doc check

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What is looked for before anything long starts; `make test` and `make bench` add their own.
NEEDS := build
test: NEEDS := build test
check: NEEDS := build test
suite: NEEDS := build suite
differ: NEEDS := build suite
bench: NEEDS := build bench

setup: ## install what a build needs (libclang for RocksDB's bindings)
	@scripts/setup.sh $(NEEDS)
	@scripts/announce.sh $(abspath $(TARGET))
ifeq ($(shell uname -s),Linux)
	@CARGO=$(CARGO) scripts/rocksdb.sh $(abspath $(TARGET)) >/dev/null
endif

run: setup ## build and start the database (ARGS="--data-dir /somewhere")
	$(CARGO) run $(PROFILE) --locked -- start $(ARGS)

build: setup ## build the binary
	$(CARGO) build $(PROFILE) --locked

fmt: ## format the code
	$(CARGO) fmt

lint: setup ## rustfmt, clippy with warnings as errors
	$(CARGO) fmt --check
	$(CARGO) clippy $(PROFILE) --locked --all-targets -- -D warnings

test: setup ## the whole test suite, with the real clients it needs
	$(CARGO) test $(PROFILE) --locked

golden: setup ## record the golden files anew; review the diff
	UPDATE_GOLDENFILES=1 $(CARGO) test $(PROFILE) --locked golden

suite: setup ## MariaDB's public test suite, statement by statement beside MariaDB (ARGS="func json")
	$(CARGO) build $(PROFILE) --locked
	@test -x $(TARGET)/suite/bin/python || python3 -m venv $(TARGET)/suite
	@$(TARGET)/suite/bin/pip install -q $$(grep -i '^pymysql' tests/it/clients/requirements.txt)
	$(TARGET)/suite/bin/python scripts/suite.py $(ARGS)

differ: setup ## random statements beside MariaDB (ARGS="--seed 1 --count 1000")
	$(CARGO) build $(PROFILE) --locked
	@test -x $(TARGET)/suite/bin/python || python3 -m venv $(TARGET)/suite
	@$(TARGET)/suite/bin/pip install -q $$(grep -i '^pymysql' tests/it/clients/requirements.txt)
	$(TARGET)/suite/bin/python scripts/differ.py $(ARGS)

bench: setup ## against MariaDB and Galera with sysbench; writes docs/benchmarks.md
	$(CARGO) build $(PROFILE) --locked
	scripts/bench.py

fresh-check: ## set up in a minimal Debian (needs root), up to bindgen and the clients
	scripts/fresh-check.sh

doc: setup ## the API's documentation
	$(CARGO) doc $(PROFILE) --locked --no-deps

check: lint test ## what CI runs

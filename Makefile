# `make` does the whole job, `make help` lists the rest. Every target works by itself in a fresh clone.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test docs lint format check benchmark clean help

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# the same inputs every run; HYPOTHESIS_PROFILE=dev draws new ones
export HYPOTHESIS_PROFILE ?= ci

run: $(READY) ## derive and generate every layer, verify it, train a network with the kernels
	$(BIN)/gradbook build
	$(BIN)/gradbook verify --no-record --misprints 300
	$(BIN)/gradbook train digits --picture digits.png

test: $(READY) ## all tests
	$(BIN)/pytest -n 2 $(PYTEST)

# without --quiet, with which --strict counts no warnings; a minute of the processor is what the build may take
docs: $(READY) ## the book, in site/
	ulimit -t 60; NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(READY) ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## mend the style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check: $(READY) ## are the generated files what the definitions say, under three hash seeds?
	for seed in 0 1 2; do PYTHONHASHSEED=$$seed $(BIN)/gradbook build --check; done
	$(BIN)/gradbook build examples/networks.py --out reference/networks --no-verify --check

benchmark: $(READY) ## kernels beside hand-written NumPy, autograd and PyTorch (where installed)
	$(BIN)/python -m benchmarks $(BENCHMARK)

clean: ## remove what make made
	rm -rf .venv site digits.png .hypothesis .mypy_cache .pytest_cache .ruff_cache

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One line that changes stands in for pip's own output; what pip complains about is shown if it fails.
$(READY): pyproject.toml
	@echo "setting up .venv (half a minute to a few, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11: make PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -e '.[dev]' 2> .venv/pip.log \
	    | awk -v tty="$$([ -t 1 ] && echo 1 || true)" ' \
	        tty && /^ *Collecting / { printf "\r\033[K  collecting %s", $$2; fflush() } \
	        tty && /^Installing / { printf "\r\033[K" } \
	        /^Installing / { printf "  installing %d packages\n", NF - 3; fflush() }' \
	    || { cat .venv/pip.log >&2; exit 1; }
	@touch $@

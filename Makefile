# Two commands are enough: `make demo` and `make test`. Each sets up what it needs in .venv, once.

.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --quiet --disable-pip-version-check

# The newest interpreter that really runs; PYTHON=... overrides.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)

.PHONY: help demo test lint format bench lock tools clean

help: ## Show what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Run the exporter against a simulated AWS; then open http://localhost:10047
	@$(BIN)/aws-support-exporter --demo

test: $(VENV)/.dev ## Run all tests
	@$(BIN)/pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## Put the code into form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## Measure speed and memory against the raw limit
	@$(BIN)/python bench/fleet.py

lock: $(VENV)/.dev ## Pin the newest versions of all dependencies
	@$(PIP) install uv
	@for group in "requirements.lock:pyproject.toml" "requirements-dev.lock:pyproject.toml --group dev" "requirements-build.lock:--group build"; do \
		$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url --no-emit-find-links --no-annotate $${group#*:} -o $${group%%:*} || exit 1; done

tools: ## Fetch Prometheus and promtool for the tests that need them (Debian)
	@.ci/tools

clean: ## Remove what was set up
	rm -rf $(VENV) .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv found; install one, or say which: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements.lock
	@$(MAKE) --no-print-directory $(VENV)/.package
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(MAKE) --no-print-directory $(VENV)/.package
	@touch $@ $(VENV)/.run

$(VENV)/.package: requirements-build.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

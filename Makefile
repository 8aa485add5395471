# Two commands are enough: `make demo` and `make test`. Each sets up what it needs in .venv, once.

.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
WHEEL := $(CURDIR)/$(VENV)/wheel
PYTEST = PYTHONDONTWRITEBYTECODE= PYTHONPATH="$(WHEEL)" PYTHONSAFEPATH=1 $(BIN)/pytest
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

# The newest interpreter that really runs: a name on the PATH may be a version manager's empty promise. PYTHON=... overrides.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c '$(SUITABLE)' >/dev/null 2>&1 && echo $$name && break; done)

# Asked for another interpreter than $(VENV) has: it is recreated, or tests would pass on a version that nobody named.
ifneq ($(origin PYTHON),file)
VERSION := -c 'import sys; print(sys.version)' 2>/dev/null
ifneq ($(shell $(PYTHON) $(VERSION)),$(shell $(BIN)/python $(VERSION)))
.PHONY: $(VENV)/.python
endif
endif

.PHONY: help demo test test-all test-pythons coverage coverage-report mutation bench load lint format image-test fuzz docs dashboards lock audit dist tools clean

help: ## Show what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Run the exporter against a simulated AWS, on loopback; ARGS=--web.listen-address=:10048 picks another address
	@$(BIN)/aws-support-exporter --demo $(if $(findstring --web.listen-address,$(ARGS)),,--web.listen-address=localhost:10047) $(ARGS)

test: $(VENV)/.wheel ## Run the tests on the built wheel, in 2 minutes; PYTEST_ARGS="-k web" picks some
	@$(PYTEST) --numprocesses 3 -m "not slow" $(PYTEST_ARGS)
	@echo "make test-all adds what takes minutes: chaos, soak, outages, the full fault matrix, load, alerts, 200 examples a law"

test-all: $(VENV)/.wheel ## Run all tests on the built wheel, in 9 minutes; the long ones mostly wait
	@$(PYTEST) --numprocesses 3 --hypothesis-profile=thorough $(PYTEST_ARGS)

test-pythons: $(VENV)/.wheel ## Run the quick tests on the other versions of Python that are here
	@.ci/pythons $(PYTEST_ARGS)

coverage: ## Run all tests, and fail if they miss a branch of the pure parts or 5 % of everything
	@$(MAKE) --no-print-directory test-all PYTEST_ARGS="--cov --cov-report= $(PYTEST_ARGS)"
	@$(MAKE) --no-print-directory coverage-report

coverage-report: $(VENV)/.dev
	@$(BIN)/coverage report --fail-under 95 --skip-covered
	@$(BIN)/coverage report --fail-under 100 --include "exporter/cases/*,exporter/metrics/*" --skip-covered

mutation: $(VENV)/.dev ## Change the pure parts in each way that a test should notice, in 25 minutes
	@$(PIP) install --require-hashes --no-deps -r requirements-mutation.txt
	@$(BIN)/mutmut run $(MUTANTS)
	@$(BIN)/mutmut results

bench: $(VENV)/.dev ## Measure fleets against the raw limit and a script, in 12 minutes
	@$(BIN)/python -m bench.fleet

load: $(VENV)/.dev ## Measure scrapes during polls and wrong passwords, in 7 minutes (wrk: make tools)
	@$(BIN)/python -m bench.load

lint: $(VENV)/.dev ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy exporter tests $(wildcard bench/*.py deploy/*.py deploy/image/*.py docs/*.py)

format: $(VENV)/.dev ## Put the code into form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: $(VENV)/.dev ## Pin the newest versions of all dependencies
	@$(PIP) install uv
	@compile="$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate"; \
	$$compile pyproject.toml --output-file requirements.txt && \
	$$compile pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt && \
	$$compile --group build --constraint requirements-dev.txt --output-file requirements-build.txt && \
	$$compile pyproject.toml --group quick --constraint requirements-dev.txt --output-file requirements-quick.txt && \
	$$compile --group fuzz --output-file requirements-fuzz.txt && \
	$$compile --group mutation --constraint requirements-dev.txt --output-file requirements-mutation.txt && \
	$$compile --group awscli --output-file requirements-awscli.txt && \
	$$compile --group audit --output-file requirements-audit.txt

LOCKS ?= $(wildcard requirements*.txt)
audit: $(VENV)/.python ## Look up all locked versions among the known vulnerabilities
	@$(PYTHON) -m venv --clear $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps -r requirements-audit.txt
	@failed=; for lock in $(LOCKS); do \
		echo "$$lock"; \
		$(VENV)/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --no-deps -r $$lock $(AUDIT_ARGS) || failed=1; \
	done; [ -z "$$failed" ]

dist: $(VENV)/.run ## Build the wheel and the source distribution into dist
	@rm -rf dist
	@$(BIN)/hatchling build

image-test: $(VENV)/.dev ## Build the image without a registry, and run it (Debian, root, buildah, podman, mmdebstrap)
	@deploy/image/build
	@$(BIN)/pytest deploy/image $(PYTEST_ARGS)

fuzz: $(VENV)/.dev ## Fuzz what reads answers, files and headers, each for SECONDS (60)
	@$(PIP) install --require-hashes --no-deps -r requirements-fuzz.txt
	@for target in answers communications accounts sts config web_config headers requests; do \
		$(BIN)/python -m tests.fuzz $$target $(or $(SECONDS),60) .fuzz/$$target || exit 1; done

docs: $(VENV)/.dev ## Write the tables in the documents, and what is generated of the chart
	@$(BIN)/python -m docs.generate

dashboards: $(VENV)/.dev ## Write the Grafana dashboards into the chart
	@$(BIN)/python -m docs.dashboards

tools: ## Get Prometheus, promtool and wrk for the tests and benchmarks that need them (Debian)
	@.ci/tools

clean: ## Remove all that was set up
	rm -rf $(VENV) .tools .fuzz dist mutants .coverage* tests/helm/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.python:
	@$(or $(PYTHON),false) -c '$(SUITABLE)' >/dev/null 2>&1 || { \
		echo "$(if $(PYTHON),$(PYTHON) is no,There is no) Python >= 3.11 with venv here." \
			"Install one (Debian: python3-venv), or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

define install # the packages of a lock file, and this one
	@echo "Installing $(1) ($$(grep -c == $(1)) packages)"
	@$(PIP) install --require-hashes --no-deps -r $(1) -r requirements-build.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m pip --disable-pip-version-check check >$@ || { cat $@ >&2; rm $@; exit 1; }
endef

$(VENV)/.run: requirements.txt requirements-build.txt pyproject.toml $(VENV)/.python
	$(call install,requirements.txt)

$(VENV)/.dev: requirements-dev.txt requirements-build.txt requirements.txt pyproject.toml $(VENV)/.python
	$(call install,requirements-dev.txt)
	@touch $(VENV)/.run

# Next to the sources, which stay importable for plain `pytest` and for mypy; PYTHONPATH decides.
$(VENV)/.wheel: $(shell find exporter -name __pycache__ -prune -o -print) README.md $(VENV)/.dev
	@echo "Building the wheel"
	@rm -rf "$(WHEEL)" $(VENV)/dist
	@$(PIP) wheel --no-build-isolation --no-deps --wheel-dir $(VENV)/dist .
	@$(PIP) install --no-deps --target "$(WHEEL)" $(VENV)/dist/*.whl
	@touch $@

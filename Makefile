# Everything is started from here. A fresh machine needs python3 (3.11 or newer), make and git.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: run test check bench e2e snapshots lock help clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# Two workers halve the time on two cores: while one waits for its database, the other computes.
WORKERS ?= 2
# Passed on to the program that a target starts: make test ARGS="-k ledger", make run ARGS=--reset.
ARGS ?=
# make lock UPGRADE=--upgrade also takes newer versions.
UPGRADE ?=

# Images of Python for containers forbid it to keep what it compiled. Here every command, server and test
# would then compile all libraries again, which costs each process more than all else that it does to start.
unexport PYTHONDONTWRITEBYTECODE

run: $(VENV)/.run ## Serve the demo: API, GraphQL, portal and SFTP in one process
	@$(BIN)/tessera demo $(ARGS)

test: $(VENV)/.dev ## Run all tests, on SQLite and on a real PostgreSQL (TESSERA_TEST_LONG=1: long campaigns)
	@$(BIN)/python -m tests.postgres >/dev/null 2>&1 || $(UV) pip install --quiet --python $(BIN)/python \
		--require-hashes -r requirements-postgres.lock
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --max-worker-restart 0 \
		$(if $(TESSERA_TEST_LONG),-o faulthandler_timeout=0) $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, import contracts, snapshots, module sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/tessera schema export --check
	$(BIN)/tessera schema release --check
	$(BIN)/tessera openapi export --check
	$(BIN)/tessera openapi pages --check >/dev/null
	$(BIN)/tessera errors --check
	$(BIN)/tessera statuses --check
	$(BIN)/tessera reversals --check
	$(BIN)/python -m pytest -q tests/architecture/test_module_sizes.py

bench: $(VENV)/.dev ## Measure against the floors (BENCH_QUICK=1: a short run)
	$(BIN)/python -m bench $(ARGS)

e2e: $(VENV)/.dev ## Foreign tools against running servers: OpenAPI, GraphQL audit, clients, compilers, a web app, SFTP clients (needs node, npm, chromium, curl, lftp, rclone, sshfs)
	$(BIN)/python -m pytest tests/e2e $(ARGS)

snapshots: $(VENV)/.dev ## Regenerate the files that make check compares with the code
	$(BIN)/tessera schema export --write
	$(BIN)/tessera openapi export --write
	$(BIN)/tessera openapi pages --write >/dev/null
	$(BIN)/tessera errors --write
	$(BIN)/tessera statuses --write
	$(BIN)/tessera reversals --write
	$(BIN)/python -m tests.rest.golden --write
	$(BIN)/python -m tests.architecture.module_sizes

lock: $(VENV)/.tools ## Resolve the dependencies of pyproject.toml again
	$(call resolve,--group dev pyproject.toml,requirements-dev.lock)
	$(call resolve,--constraint requirements-dev.lock pyproject.toml,requirements.lock)
	$(call resolve,--constraint requirements-dev.lock --group build,requirements-build.lock)
	$(call resolve,--constraint requirements-dev.lock --group postgres,requirements-postgres.lock)

clean: ## Remove the environment, builds and caches; the data in var/ stays
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# --- The environment -------------------------------------------------------------------------------
# A stamp file is older than its lock when the lock changed; only then is the environment touched.
# An environment with the test dependencies also serves `make run`: it holds the same versions and more.

$(VENV)/.run: $(VENV)/.tools requirements.lock pyproject.toml
	$(call install,requirements$(if $(wildcard $(VENV)/.dev),-dev).lock)
	@touch $@

$(VENV)/.dev: $(VENV)/.tools requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.run $@

# pip brings uv, and uv brings the rest: with warm caches this takes seconds in place of a minute.
$(VENV)/.tools: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Tessera needs Python 3.11 or newer; '$(PYTHON)' is older or missing. Name another with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		-r requirements-build.lock
	@touch $@

define install
@echo "Installing $(1) into $(VENV)"
@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements-build.lock $(1)
@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
endef

# No address of a registry gets into a lock, so that each machine may use its own.
define resolve
@UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet $(UPGRADE) --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links $(1) --output-file $(2)
endef

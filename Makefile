# Everything here works in a fresh clone with python3 (3.11 or newer) and make: the first command makes the
# virtual environment .venv and installs what requirements.lock names, by hash.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: $(INSTALLED) ## Serve the demo on http://127.0.0.1:8000, with its own PostgreSQL and Redis in var/; Ctrl-C stops all
	@POINTSBANK_LOG_LEVEL=$${POINTSBANK_LOG_LEVEL:-warning} $(BIN)/pointsbank start $(ARGS)

test: $(INSTALLED) ## Run every test; the last lines say which could not run, and why
	@$(BIN)/python -m tests $(ARGS)

check: $(INSTALLED) ## Lint, formatting, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED) ## Measure, each figure beside its floor
	@$(BIN)/python -m bench $(ARGS)

lock: $(INSTALLED) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --python-version 3.11 --extra certificates --extra dev \
		pyproject.toml --output-file requirements.lock

clean: ## Remove the virtual environment and the caches; var/ with its data stays
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The points bank needs Python 3.11 or newer, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what requirements.lock names (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

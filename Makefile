# The menu. `make` alone prints it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
PY := $(BIN)/python
SM := $(BIN)/stationmaster
export PYTHONDONTWRITEBYTECODE := 1
export UV_LINK_MODE := copy

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- run
demo: setup ## Everything in one process with simulated chargers (ARGS=--once: one charge, one JSON line)
	@$(SM) demo $(ARGS)

up: setup ## Everything in one process, empty
	@$(SM) up $(ARGS)

# --- check
test: setup-dev ## All tests, with real RabbitMQ, PostgreSQL, Redis and Chromium
	@$(PY) -m pytest -q $(ARGS)

check: setup-dev ## Style, types, import directions, front end, generated files
	$(BIN)/ruff format --check src tests tools
	$(BIN)/ruff check src tests tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) tools/build_ui.py --npm run check
	$(PY) tools/generate.py --check

fix: setup-dev ## Format and repair what can be repaired
	$(BIN)/ruff check --fix src tests tools || true
	$(BIN)/ruff format src tests tools

bench: setup-dev ## Frames per second and CPU per 1,000 frames, both compositions, as JSON
	@$(PY) -m tests.bench $(ARGS)

# --- make
setup: ## A local environment to run in, with the pages built
	@tools/setup.sh run

setup-dev:
	@tools/setup.sh dev

ui: setup ## Build the pages
	$(PY) tools/build_ui.py

gen: setup-dev ## Write the generated files: OpenAPI, typed client
	$(PY) tools/generate.py

lock: setup-dev ## Pin every dependency by hash
	tools/lock.sh

clean: ## Remove what can be made again
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build web/node_modules src/stationmaster/api/static

.PHONY: help demo up test check fix bench setup setup-dev ui gen lock clean

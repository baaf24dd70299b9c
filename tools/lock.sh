#!/usr/bin/env bash
# Pin every dependency by hash. No host is written down: the package index is whatever pip is set up to use.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { .venv/bin/uv pip compile -q --generate-hashes --no-header --no-annotate --no-emit-index-url --universal --python-version 3.11 "$@"; }
printf 'uv\n' | compile - -o requirements/bootstrap.lock
compile pyproject.toml requirements/build.in -o requirements/run.lock
compile pyproject.toml requirements/build.in --group dev -o requirements/dev.lock

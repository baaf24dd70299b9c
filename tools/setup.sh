#!/usr/bin/env bash
# A local environment in .venv, from hash-pinned locks: `run` (to run from a checkout) or `dev` (to test and change).
# Needs Python >= 3.11; says what it does, and does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-run}
say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }

if [ ! -x .venv/bin/python ]; then
  say "making a Python environment in .venv"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed." >&2; exit 1; }
  if ! python3 -m venv .venv 2>/dev/null; then
    # Debian keeps the venv module in a package of its own.
    rm -rf .venv
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || { echo "Please install python3-venv." >&2; exit 1; }
    say "installing python3-venv"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    python3 -m venv .venv
  fi
fi

stamp=.venv/stamp-$wanted
current=$(cat requirements/*.lock pyproject.toml tools/setup.sh | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$current" ]; then
  if [ ! -x .venv/bin/uv ]; then
    say "installing uv"
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
  fi
  say "installing the locked packages (requirements/$wanted.lock)"
  .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r "requirements/$wanted.lock"
  say "installing stationmaster itself"
  STATIONMASTER_SKIP_UI=1 .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
  rm -f .venv/stamp-*
  echo "$current" > "$stamp"
  # What can be changed can also be run.
  [ "$wanted" = dev ] && echo "$current" > .venv/stamp-run
fi
.venv/bin/python tools/build_ui.py

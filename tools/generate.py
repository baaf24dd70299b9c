"""Write the generated files, or with --check fail when they are not what they would be."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
OPENAPI = ROOT / "src/stationmaster/api/openapi.json"
CLIENT = ROOT / "web/shared/generated/api.ts"


def main() -> int:
    check = "--check" in sys.argv
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "openapi.json"
        subprocess.run([sys.executable, "-m", "stationmaster", "openapi", str(fresh)], check=True)
        if check and (not OPENAPI.exists() or OPENAPI.read_text() != fresh.read_text()):
            print("openapi.json is not what the code says: run `make gen`", file=sys.stderr)
            return 1
        OPENAPI.write_text(fresh.read_text())
    return _client(check=check)


def _client(*, check: bool) -> int:
    """The typed client, by the locked generator in web/."""
    before = CLIENT.read_text() if CLIENT.exists() else ""
    subprocess.run(
        [sys.executable, str(ROOT / "tools/build_ui.py"), "--npm", "run", "--silent", "generate"], check=True
    )
    if check and CLIENT.read_text() != before:
        CLIENT.write_text(before)
        print("web/shared/generated/api.ts is not what openapi.json says: run `make gen`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

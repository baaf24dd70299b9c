"""The build hook: when does it build, what does it retry, what may the lock file say?"""

import gzip
import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tools import build_ui


def a_web_tree(folder: Path) -> Path:
    web = folder / "web"
    (web / "shared").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "package-lock.json").write_text('{"packages": {}}')
    (web / "shared" / "theme.ts").write_text("export const theme = 1;")
    return web


def a_bundle(folder: Path, stamp: str) -> Path:
    static = folder / "static"
    (static / "driver").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>")
    (static / "driver" / "index.html").write_text("<!doctype html>")
    (static / build_ui.STAMP).write_text(json.dumps({"stamp": stamp}))
    return static


def test_a_bundle_of_these_sources_is_current(tmp_path: Path) -> None:
    web = a_web_tree(tmp_path)
    assert build_ui.is_current(web, a_bundle(tmp_path, build_ui.stamp(web)))


@pytest.mark.parametrize("changed", ["shared/theme.ts", "package-lock.json", "shared/new.ts"])
def test_a_changed_source_makes_the_bundle_old(tmp_path: Path, changed: str) -> None:
    web = a_web_tree(tmp_path)
    static = a_bundle(tmp_path, build_ui.stamp(web))
    (web / changed).write_text("something else")
    assert not build_ui.is_current(web, static)


def test_a_moved_file_makes_the_bundle_old(tmp_path: Path) -> None:
    web = a_web_tree(tmp_path)
    before = build_ui.stamp(web)
    (web / "shared" / "theme.ts").rename(web / "theme.ts")
    assert build_ui.stamp(web) != before


@pytest.mark.parametrize(
    "other", ["node_modules/x/index.js", "dist/index.html", "shared/theme.test.ts", "README.md"]
)
def test_what_is_no_source_changes_nothing(tmp_path: Path, other: str) -> None:
    web = a_web_tree(tmp_path)
    before = build_ui.stamp(web)
    (web / other).parent.mkdir(parents=True, exist_ok=True)
    (web / other).write_text("x")
    assert build_ui.stamp(web) == before


def test_a_bundle_without_one_of_its_entries_is_not_current(tmp_path: Path) -> None:
    web = a_web_tree(tmp_path)
    static = a_bundle(tmp_path, build_ui.stamp(web))
    (static / "driver" / "index.html").unlink()
    assert not build_ui.is_current(web, static)


def test_an_unpacked_package_without_sources_builds_nothing(tmp_path: Path) -> None:
    assert build_ui.is_current(tmp_path / "no-web", a_bundle(tmp_path, "whatever"))


def test_the_skip_variable_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build_ui.SKIP, "1")
    monkeypatch.setattr(build_ui, "is_current", lambda: False)
    monkeypatch.setattr(build_ui, "build", lambda: pytest.fail("it built"))
    build_ui.build_if_needed()


def test_an_old_bundle_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.delenv(build_ui.SKIP, raising=False)
    monkeypatch.setattr(build_ui, "is_current", lambda: False)
    monkeypatch.setattr(build_ui, "build", lambda: built.append("built"))
    build_ui.build_if_needed()
    assert built == ["built"]


class Npm:
    """Answers with what it was given, one after the other."""

    def __init__(self, *answers: tuple[int, str]):
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, arguments: list[str]) -> CompletedProcess[str]:
        self.asked += 1
        code, output = self.answers.pop(0)
        return CompletedProcess(arguments, code, stdout=output)


def no_pause(_seconds: float) -> None:
    return


def test_network_trouble_is_tried_once_more() -> None:
    npm = Npm((1, "npm error code ECONNRESET"), (0, "added 129 packages"))
    build_ui.patiently(npm, ["ci"], pause=no_pause)
    assert npm.asked == 2


def test_lasting_network_trouble_fails_with_npms_words() -> None:
    npm = Npm((1, "npm error code EAI_AGAIN"), (1, "npm error code EAI_AGAIN again"))
    with pytest.raises(build_ui.BuildError, match="EAI_AGAIN again"):
        build_ui.patiently(npm, ["ci"], pause=no_pause)


def test_a_mistake_of_the_project_is_not_tried_again() -> None:
    npm = Npm((1, "npm error code EUSAGE: package.json and package-lock.json are not in sync"))
    with pytest.raises(build_ui.BuildError, match="not in sync"):
        build_ui.patiently(npm, ["ci"], pause=no_pause)
    assert npm.asked == 1


def test_text_is_packed_beside_itself_and_always_the_same(tmp_path: Path) -> None:
    script, picture, short = tmp_path / "a.js", tmp_path / "a.png", tmp_path / "b.js"
    script.write_text("let a = 1;\n" * 500)
    picture.write_bytes(b"\x89PNG" * 500)
    short.write_text("1")
    build_ui.compress(tmp_path)
    packed = (tmp_path / "a.js.gz").read_bytes()
    assert gzip.decompress(packed) == script.read_bytes()
    assert not (tmp_path / "a.png.gz").exists()
    assert not (tmp_path / "b.js.gz").exists()
    build_ui.compress(tmp_path)
    assert (tmp_path / "a.js.gz").read_bytes() == packed


def test_a_new_bundle_replaces_the_old_one_whole(tmp_path: Path) -> None:
    static = a_bundle(tmp_path, "old")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "index.html").write_text("new")
    build_ui.put_in_place(fresh, static)
    assert sorted(path.name for path in static.iterdir()) == ["index.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["static"]


def test_the_lock_file_names_no_registry_and_every_digest() -> None:
    assert build_ui.lock_troubles() == []


def test_an_address_in_a_lock_file_is_seen(tmp_path: Path) -> None:
    entry = {"version": "1.0.0", "resolved": "https://somewhere/a.tgz", "integrity": "sha512-x"}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": {"": {}, "node_modules/a": entry}}))
    assert build_ui.lock_troubles(tmp_path) == ["node_modules/a: has an address"]


def test_every_dependency_is_pinned() -> None:
    """Mantine's parts need each other's exact version, so a range cannot be resolved some days."""
    package = json.loads((build_ui.WEB / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in versions.items() if not version[0].isdigit()] == []
    assert {version for name, version in versions.items() if name.startswith("@mantine/")} == {"9.7.3"}

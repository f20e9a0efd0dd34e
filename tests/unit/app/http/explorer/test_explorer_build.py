"""The build of the explorer: made once for the same sources, by npm, and explained where it fails."""

from pathlib import Path

import pytest

from app.http.explorer import explorer_build
from app.http.explorer.explorer_build import (
    DOCUMENTS,
    build_explorer,
    cached_build,
    cached_documents,
    sources_digest,
)
from app.settings import Settings
from policies.errors import ConfigurationError

NPM = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
[ "$1" = ci ] && mkdir -p node_modules && exit
mkdir "$EXPLORER_OUT" && echo page > "$EXPLORER_OUT/index.html"
"""
"""A program in place of npm that records its words and writes a page."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with an empty cache."""
    return Settings.from_env({"MLG_CACHE_DIR": str(tmp_path / "cache")})


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """Return a folder of sources."""
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.ts").write_text("start();")
    (folder / "package-lock.json").write_text("{}")
    return folder


def use_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a script be npm; return the file with the words of its calls."""
    npm = folder / "npm"
    npm.write_text(script)
    npm.chmod(0o755)
    monkeypatch.setattr(explorer_build, "npm_command", lambda _: [str(npm)])
    return folder / "calls"


def test_the_digest_covers_sources_and_nothing_else(web: Path) -> None:
    """A changed, renamed or moved source is another build; installed, generated and test files are none."""
    digests = [sources_digest(web)]
    for made in ("node_modules/x/index.js", "src/generated/graphql.ts", "dist/index.html", "test/a.test.ts"):
        (web / made).parent.mkdir(parents=True)
        (web / made).write_text("made")
        assert sources_digest(web) == digests[0]
    source = web / "src" / "main.ts"
    source.write_text("start() ;")
    digests.append(sources_digest(web))
    source.rename(web / "src" / "other.ts")
    digests.append(sources_digest(web))
    (web / "src" / "other.ts").rename(web / "other.ts")
    digests.append(sources_digest(web))
    assert len({*digests}) == 4


def test_the_same_sources_are_built_once(settings: Settings, web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second build reads the cache; after a change npm builds, and installs only if the lock has changed."""
    calls = use_npm(web.parent, NPM, monkeypatch)
    assert cached_build(settings, web) is None
    first = build_explorer(settings, web)
    assert (first / "index.html").read_text() == "page\n"
    assert build_explorer(settings, web) == first == cached_build(settings, web)
    install, build = "ci --ignore-scripts --loglevel=error", "run build --loglevel=error"
    assert calls.read_text().splitlines() == [install, build]
    (web / "src" / "main.ts").write_text("other();")
    assert build_explorer(settings, web) != first
    assert calls.read_text().splitlines() == [install, build, build]
    (web / "package-lock.json").write_text('{"packages": {}}')
    build_explorer(settings, web)
    assert calls.read_text().splitlines() == [install, build, build, install, build]


@pytest.mark.parametrize(("word", "advice"), [("ci", "check the registry"), ("run", "correct the sources")])
def test_a_failing_npm_is_reported(
    settings: Settings, web: Path, monkeypatch: pytest.MonkeyPatch, word: str, advice: str
) -> None:
    """The error has the command, the advice for it and the words of npm; nothing is cached, and no half build stays."""
    use_npm(
        web.parent, f"#!/bin/sh\n[ $1 = {word} ] && echo no network && exit 1\nmkdir -p node_modules\n", monkeypatch
    )
    with pytest.raises(ConfigurationError, match=rf"`npm {word} .*{advice}.*The API works without it.*no network"):
        build_explorer(settings, web)
    assert cached_build(settings, web) is None
    assert [path.name for path in (settings.cache_dir / "explorer").iterdir()] == ["lock"]


def test_without_sources_there_is_no_build(settings: Settings, tmp_path: Path) -> None:
    """An installation without the folder serves the API; the command explains what is missing."""
    missing = tmp_path / "missing"
    assert cached_build(settings, missing) is None
    with pytest.raises(ConfigurationError, match="built in a checkout"):
        build_explorer(settings, missing)


def test_the_documents_are_those_of_the_build(settings: Settings) -> None:
    """A server registers the documents of the build that it serves, and none without a build."""
    assert cached_documents(settings) == []
    folder = settings.cache_dir / "explorer" / sources_digest()[:32]
    folder.mkdir(parents=True)
    assert cached_documents(settings) == [folder / DOCUMENTS]

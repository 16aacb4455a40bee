"""Packs written by tests."""

from pathlib import Path

from rules import Finding, Loaded, Pack, load

HEAD = """\
schema: 1
pack: test
owner: tests
currency: CNY
"""


def write_pack(folder: Path, body: str, lists: dict[str, str] | None = None) -> Path:
    """A pack whose `pack.yml` is the usual head and `body`, with list files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yml").write_text(HEAD + body, encoding="utf-8")
    for name, text in (lists or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def load_text(folder: Path, body: str, lists: dict[str, str] | None = None) -> Loaded:
    return load(write_pack(folder, body, lists))


def sound_pack(folder: Path, body: str, lists: dict[str, str] | None = None) -> Pack:
    """The pack, which must have no errors."""
    loaded = load_text(folder, body, lists)
    assert loaded.pack is not None, [finding.message for finding in errors(loaded)]
    return loaded.pack


def errors(loaded: Loaded) -> list[Finding]:
    return [finding for finding in loaded.findings if finding.severity == "error"]

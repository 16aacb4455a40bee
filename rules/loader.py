"""Loading a pack: its files are read, checked as a whole, and every finding is reported at once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.bounds import FILE_BYTES_MAX, FILES_MAX, FINDINGS_MAX
from rules.definitions import Definitions
from rules.findings import Finding, Ledger, Place, TooManyFindingsError, quoted
from rules.headers import HEAD_KEYS, Head, read_head
from rules.models import Pack
from rules.shapes import Shapes
from rules.trees import Table, parse_source

HEAD_FILE = "pack.yml"
SECTIONS = ("features", "macros", "lists", "detectors", "rules")


@dataclass(frozen=True, slots=True)
class Loaded:
    """`pack` is None where a finding is an error. Findings are in order of file and line."""

    pack: Pack | None
    findings: tuple[Finding, ...]


def load(path: Path, as_of_ms: int | None = None) -> Loaded:
    """Reads and checks the pack in the folder `path`. Never raises for what is in it: that is a finding.

    With `as_of_ms`, in epoch milliseconds, what has expired by then is a finding too.
    """
    ledger = Ledger()
    pack: Pack | None = None
    overflow: tuple[Finding, ...] = ()
    try:
        files = _read_files(path, ledger)
        tables = _parse(path, files, ledger)
        pack = None if ledger.has_errors else _assemble(path, files, tables, Shapes(ledger, as_of_ms))
    except TooManyFindingsError:
        message = f"there are more than {FINDINGS_MAX:,} findings: these are the first"
        overflow = (Finding("too-large", "error", message, Place(str(path), 1, 1)),)
    findings = sorted(ledger.findings, key=lambda each: (each.place.file, each.place.line, each.place.column))
    return Loaded(None if ledger.has_errors or overflow else pack, (*findings, *overflow))


def _read_files(path: Path, ledger: Ledger) -> dict[str, bytes]:
    """The bytes of the pack's YAML files by name, in order of name."""
    try:
        entries = sorted(path.iterdir())
        names = [entry.name for entry in entries if entry.suffix in (".yml", ".yaml") and not entry.is_dir()]
        for folder in entries:
            shown = folder.is_dir() and not folder.name.startswith(".")
            for nested in sorted(folder.iterdir()) if shown else ():
                if nested.suffix in (".yml", ".yaml"):
                    message = f"the file {quoted(f'{folder.name}/{nested.name}')} would not be read"
                    ledger.report_file("unknown-file", str(nested), message, "rule files lie beside `pack.yml`")
        if len(names) > FILES_MAX:
            ledger.report_file("too-large", str(path), f"expected at most {FILES_MAX} files, got {len(names)}")
            return {}
        if HEAD_FILE not in names:
            hint = "a pack is a folder with a `pack.yml` in it"
            ledger.report_file("unreadable-file", str(path / HEAD_FILE), f"there is no `{HEAD_FILE}` here", hint)
        return {name: _read_start(path / name) for name in names}
    except OSError as error:
        file = str(error.filename or path)
        ledger.report_file("unreadable-file", file, f"this cannot be read: {error.strerror}")
        return {}


def _read_start(path: Path) -> bytes:
    """The bytes of a file, but not much more than one may have."""
    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _parse(path: Path, files: Mapping[str, bytes], ledger: Ledger) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    shapes = Shapes(ledger)
    for name, raw in files.items():
        tree = parse_source(str(path / name), raw, ledger)
        keys = (*HEAD_KEYS, *SECTIONS) if name == HEAD_FILE else SECTIONS
        table = None if tree is None else shapes.table(tree, "a rule file", keys)
        if table is not None:
            tables[name] = table
    return tables


def _assemble(path: Path, files: dict[str, bytes], tables: Mapping[str, Table], shapes: Shapes) -> Pack:
    head = read_head(tables[HEAD_FILE], shapes)
    list_files: dict[str, bytes] = {}
    definitions = Definitions(path, head.currency, head.defaults, shapes, list_files)
    definitions.read(list(tables.values()))
    return _pack(path, head, definitions, _hash(files | list_files))


def _pack(path: Path, head: Head, definitions: Definitions, digest: str) -> Pack:
    return Pack(
        head.name,
        digest,
        path,
        head.owner,
        head.currency,
        head.fallback,
        head.timing,
        definitions.features,
        definitions.lists,
        definitions.detectors,
        tuple(definitions.rules),
    )


def _hash(files: Mapping[str, bytes]) -> str:
    """12 hexadecimal digits over the names and bytes of all files of the pack."""
    digest = hashlib.sha256()
    for name, raw in sorted(files.items()):
        for part in (name.encode(), raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:12]

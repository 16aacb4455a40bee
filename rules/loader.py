"""Loading a pack: its files are read, checked as a whole, and every finding is reported at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rules import overlays
from rules.bounds import FILE_BYTES_MAX, FILES_MAX, FINDINGS_MAX, PACK_BYTES_MAX
from rules.definitions import Definitions
from rules.findings import Finding, Ledger, Place, TooManyFindingsError, did_you_mean, quoted
from rules.headers import HEAD_KEYS, Head, read_head
from rules.models import Pack
from rules.rate_reader import read_rates
from rules.rates import Rates
from rules.shapes import PACK_NAME, Shapes
from rules.trees import Table, parse_source
from schemas import UNFINISHED, content_hash

HEAD_FILE = "pack.yml"
SECTIONS = ("features", "macros", "lists", "detectors", "rules")


@dataclass(frozen=True, slots=True)
class Loaded:
    """`pack` is None where a finding is an error. Findings are in order of file and line.

    `files` are the bytes of all files that were read, by their names in the pack.
    """

    pack: Pack | None
    findings: tuple[Finding, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def load(path: Path, overlay: str | None = None, as_of_ms: int | None = None, proofs: bool = True) -> Loaded:
    """Reads and checks the pack in the folder `path`. Never raises for what is in it: that is a finding.

    The pack is as the overlay of that name makes it, if one is given. With `as_of_ms`, in epoch milliseconds, what has
    expired by then is a finding too. Without `proofs` nothing is proven of conditions: that gives warnings alone, and
    takes longer than all the rest.
    """
    ledger = Ledger()
    pack: Pack | None = None
    files: dict[str, bytes] = {}
    overflow: tuple[Finding, ...] = ()
    try:
        files = _read_files(path, overlay, ledger)
        tables = _parse(path, files, ledger)
        pack = None if ledger.has_errors else _assemble(path, overlay, files, tables, Shapes(ledger, as_of_ms), proofs)
    except TooManyFindingsError:
        message = f"there are more than {FINDINGS_MAX:,} findings: these are the first"
        overflow = (Finding("too-large", "error", message, Place(str(path), 1, 1)),)
    findings = sorted(ledger.findings, key=lambda each: (each.place.file, each.place.line, each.place.column))
    return Loaded(None if ledger.has_errors or overflow else pack, (*findings, *overflow), files)


def _read_files(path: Path, overlay: str | None, ledger: Ledger) -> dict[str, bytes]:
    """The bytes of the pack's YAML files by name, in order of name, and of the overlay that is chosen."""
    try:
        entries = sorted(path.iterdir())
        if any(entry.name == UNFINISHED for entry in entries):
            message = "a change to another version of this pack was interrupted: its files are of both"
            hint = f"`riskgate history {path}` finishes it"
            ledger.report_file("unreadable-file", str(path / UNFINISHED), message, hint)
        names = [entry.name for entry in entries if entry.suffix in (".yml", ".yaml") and not entry.is_dir()]
        for folder in entries:
            shown = folder.is_dir() and not folder.name.startswith(".")
            for nested in sorted(folder.iterdir()) if shown else ():
                is_overlay = (folder.name, nested.suffix) == (overlays.FOLDER, overlays.SUFFIX)
                if nested.suffix in (".yml", ".yaml") and not is_overlay:
                    message = f"the file {quoted(f'{folder.name}/{nested.name}')} would not be read"
                    hint = "rule files lie beside `pack.yml`, overlays are `overlays/NAME.yml`"
                    ledger.report_file("unknown-file", str(nested), message, hint)
        if len(names) > FILES_MAX:
            ledger.report_file("too-large", str(path), f"expected at most {FILES_MAX} files, got {len(names)}")
            return {}
        if HEAD_FILE not in names:
            hint = "a pack is a folder with a `pack.yml` in it"
            ledger.report_file("unreadable-file", str(path / HEAD_FILE), f"there is no `{HEAD_FILE}` here", hint)
        chosen = None if overlay is None else _overlay_file(path, overlay, ledger)
        return _read_starts(path, (*names, *filter(None, [chosen])), ledger)
    except OSError as error:
        file = str(error.filename or path)
        ledger.report_file("unreadable-file", file, f"this cannot be read: {error.strerror}")
        return {}


def _overlay_file(pack: Path, name: str, ledger: Ledger) -> str | None:
    """The overlay's name as a file of the pack; None after a finding."""
    if not PACK_NAME.fullmatch(name):
        message = f"expected the name of an overlay such as `prod`, got {quoted(name)}"
        ledger.report_file("bad-name", str(pack / overlays.FOLDER), message, f"it must match {PACK_NAME.pattern}")
        return None
    path = pack / overlays.FOLDER / f"{name}{overlays.SUFFIX}"
    if path.is_file():
        return f"{overlays.FOLDER}/{path.name}"
    names = sorted(each.stem for each in path.parent.glob(f"*{overlays.SUFFIX}"))
    hint = did_you_mean(name, names) or (f"there are {', '.join(names)}" if names else "it has no overlays")
    ledger.report_file("unreadable-file", str(path), f"the pack has no overlay {quoted(name)}", hint)
    return None


def _read_starts(path: Path, names: Sequence[str], ledger: Ledger) -> dict[str, bytes]:
    """The bytes of the files, of each not much more than one may have; nothing where all together are too large."""
    found: dict[str, bytes] = {}
    folder = path.resolve()
    for name in names:
        target = _target(path / name)
        if target is None or not target.is_relative_to(folder) or not target.is_file():
            hint = "links may lead to files of the pack alone"
            ledger.report_file("unreadable-file", str(path / name), "this is no file inside the pack", hint)
            continue
        with target.open("rb") as file:
            found[name] = file.read(FILE_BYTES_MAX + 1)
    total = sum(map(len, found.values()))
    if total > PACK_BYTES_MAX:
        message = f"expected rule files of at most {PACK_BYTES_MAX:,} bytes together, got {total:,} or more"
        ledger.report_file("too-large", str(path), message)
        return {}
    return found


def _target(path: Path) -> Path | None:
    """Where a path leads; None where links lead in a circle."""
    try:
        return path.resolve()
    except RuntimeError:
        return None


def _parse(path: Path, files: Mapping[str, bytes], ledger: Ledger) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    shapes = Shapes(ledger)
    for name, raw in files.items():
        tree = parse_source(str(path / name), raw, ledger)
        what, keys = _form_of(name)
        table = None if tree is None else shapes.table(tree, what, keys)
        if table is not None:
            tables[name] = table
    return tables


def _form_of(name: str) -> tuple[str, tuple[str, ...]]:
    """What a file is, and the keys it may have."""
    if name.startswith(overlays.FOLDER):
        return "an overlay", overlays.OVERLAY_KEYS
    return "a rule file", (*HEAD_KEYS, *SECTIONS) if name == HEAD_FILE else SECTIONS


def _assemble(
    path: Path, overlay: str | None, files: dict[str, bytes], tables: dict[str, Table], shapes: Shapes, proofs: bool
) -> Pack:
    """The pack; the bytes of its lists and its rates are added to `files`."""
    head = read_head(tables[HEAD_FILE], shapes)
    rates = read_rates(tables[HEAD_FILE].get("rates"), head.currency, path, shapes, files)
    table = None if overlay is None else tables.pop(f"{overlays.FOLDER}/{overlay}{overlays.SUFFIX}")
    changes = overlays.Overlay(table, head.currency, shapes)
    definitions = Definitions(path, head.currency, frozenset(rates), head.defaults, shapes, files, changes)
    definitions.read(list(tables.values()))
    if proofs and not shapes.ledger.has_errors:
        definitions.prove()
    return _pack(path, head, definitions, content_hash(files), overlay, rates)


def _pack(path: Path, head: Head, definitions: Definitions, digest: str, overlay: str | None, rates: Rates) -> Pack:
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
        definitions.rules,
        overlay,
        head.approval,
        rates,
    )

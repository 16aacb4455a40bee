"""All files that a pack is made of, read at once, so that it can be made again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from rules import overlays
from rules.bounds import FILES_MAX, LIST_BYTES_MAX
from rules.loader import Loaded, load
from schemas import CONTENT_BYTES_MAX, CONTENT_FILES_MAX, content_hash

_LOOKED_AT_MAX = 10_000


class ContentsError(Exception):
    """Files of a pack that cannot be kept; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A pack without an overlay, and the bytes of all its files, lists and overlays by their names in it.

    Where the pack has errors, they are those of all files that look like a pack's.
    """

    loaded: Loaded
    files: Mapping[str, bytes]

    @property
    def version(self) -> str:
        """What tells this content from any other: the pack's own hash, if it has no overlays."""
        return content_hash(self.files)


def read_contents(path: Path) -> Contents:
    """Reads the pack in the folder `path`. Raises ContentsError."""
    loaded = load(path)
    files = dict(loaded.files) if loaded.pack is not None else {}
    try:
        wanted = set(_overlays_in(path)) if files else {*_overlays_in(path), *_likely_files(path)}
        for name in sorted(wanted):
            files[name] = _read(path, name)
            if len(files) > CONTENT_FILES_MAX or sum(map(len, files.values())) > CONTENT_BYTES_MAX:
                raise ContentsError(
                    f"expected a pack of at most {CONTENT_FILES_MAX} files and {CONTENT_BYTES_MAX:,} bytes, got more in"
                    f" `{path}`"
                )
    except OSError as error:
        raise ContentsError(f"`{error.filename or path}` cannot be read: {error.strerror}") from error
    for name in files:
        if str(PurePosixPath(name)) != name or ".." in PurePosixPath(name).parts:
            raise ContentsError(f"expected a plain name such as `lists/blocked.csv` for each list file, got `{name}`")
    return Contents(loaded, files)


def _overlays_in(path: Path) -> Iterator[str]:
    names = sorted(each.name for each in (path / overlays.FOLDER).glob(f"*{overlays.SUFFIX}"))
    if len(names) > FILES_MAX:
        raise ContentsError(f"expected at most {FILES_MAX} overlays, got {len(names):,}")
    yield from (f"{overlays.FOLDER}/{name}" for name in names)


def _likely_files(path: Path) -> Iterator[str]:
    """The rule files beside `pack.yml`, and all that may be a list."""
    for each in islice(path.rglob("*"), _LOOKED_AT_MAX):
        name = each.relative_to(path)
        is_rules = len(name.parts) == 1 and name.suffix in (".yml", ".yaml")
        if (is_rules or name.suffix == ".csv") and not any(part.startswith(".") for part in name.parts[:-1]):
            yield str(name)


def _read(path: Path, name: str) -> bytes:
    """The bytes of a file that lies inside the pack."""
    target = (path / name).resolve()
    if not target.is_relative_to(path.resolve()) or not target.is_file():
        raise ContentsError(f"expected a file inside the pack, got `{path / name}`: links may lead nowhere else")
    with target.open("rb") as file:
        raw = file.read(LIST_BYTES_MAX + 1)
    if len(raw) > LIST_BYTES_MAX:
        raise ContentsError(f"expected a file of at most {LIST_BYTES_MAX:,} bytes, got more in `{path / name}`")
    return raw


def load_files(files: Mapping[str, bytes], name: str, overlay: str | None = None, proofs: bool = True) -> Loaded:
    """The pack that these files make, as `load` gives it for a folder. Findings and tests say that it lies in `name`.

    Raises ContentsError where they cannot be laid out. Their names must be those of files inside a pack.
    """
    try:
        with TemporaryDirectory(prefix="riskgate-") as made:
            folder = Path(made)
            for each, raw in files.items():
                path = folder / each
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(raw)
            loaded = load(folder, overlay, proofs=proofs)
    except OSError as error:
        raise ContentsError(f"`{error.filename}` cannot be written: {error.strerror}") from error

    def moved(file: str) -> str:
        return name + file.removeprefix(made)

    findings = [replace(each, place=replace(each.place, file=moved(each.place.file))) for each in loaded.findings]
    pack = loaded.pack
    if pack is not None:
        tests = {rule.id: tuple(replace(case, file=moved(case.file)) for case in rule.tests) for rule in pack.rules}
        pack = replace(pack, path=Path(name), rules=tuple(replace(each, tests=tests[each.id]) for each in pack.rules))
    return Loaded(pack, tuple(findings), loaded.files)

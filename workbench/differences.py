"""What is different between two versions of a pack, for people."""

from collections.abc import Iterator
from difflib import unified_diff

from rules.findings import printable
from stores import Files

BYTES_MAX = 1 << 20
"""Files that are larger are told by their size."""


def difference(before: Files, after: Files) -> list[str]:
    """Lines of a unified diff, without control characters."""
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            lines += _of_file(name, old, new)
    return lines


def _of_file(name: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    sizes = [len(raw) for raw in (old, new) if raw is not None]
    if max(sizes) > BYTES_MAX:
        told = ["nothing" if raw is None else f"{len(raw):,} bytes" for raw in (old, new)]
        yield f"{printable(name)}: {told[0]} before, {told[1]} after"
        return
    lines, others = ([] if raw is None else raw.decode(errors="replace").splitlines() for raw in (old, new))
    end, other = ("/dev/null" if raw is None else name for raw in (old, new))
    yield from map(printable, unified_diff(lines, others, end, other, lineterm=""))

"""Versions of a small pack, and records of changes from one to another."""

from pathlib import Path

from schemas import content_hash
from stores import Record

HEAD = b"schema: 1\npack: small\nowner: testers\ncurrency: CNY\n"
LIST = b"value,added_by,reason,expires_at\n"


def version(number: int) -> dict[str, bytes]:
    """The files of version `number`: one is the same in all, others differ, and one is in every second alone."""
    files = {
        "pack.yml": HEAD + b"lists: {banned: {type: string, file: lists/banned.csv}}\n",
        "a.yml": b"rules:\n- {id: a.a, when: amount > %d and card_id not in lists.banned, then: tag}\n" % (number + 1),
        "lists/banned.csv": LIST + b"".join(b"c%d,me,why,\n" % each for each in range(number)),
    }
    if number % 2:
        files["b.yml"] = b"rules:\n- {id: b.b, when: amount > 7, then: tag}\n"
        files["overlays/prod.yml"] = b"rules: {a.a: {mode: live}}\n"
    return files


def lay_out(folder: Path, number: int) -> Path:
    """Writes version `number` to the folder."""
    for name, raw in version(number).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    return folder


def change(number: int, before: int, after: int) -> Record:
    """Record `number`, of a change between two versions."""
    return Record(
        number=number,
        action="promote",
        before=content_hash(version(before)),
        after=content_hash(version(after)),
        who="ann",
        why="why not",
        at_ms=1_790_000_000_000 + number,
        rule="a.a",
        from_mode="shadow",
        to_mode="live",
    )

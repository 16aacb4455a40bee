"""What is wrong with a state directory, told in a sentence for the user."""

from pathlib import Path

ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"
RESTORE = f"restore the file from a backup, or {ELSEWHERE}"

WRITABLE = "a state directory that can be written"
MAKE_ROOM = f"make room or allow it and start again with the same directory, or {ELSEWHERE}"


class StateError(Exception):
    """Says what was expected, what is there instead, in which file, and the way out."""


def unusable(expected: str, path: Path, error: OSError, way_out: str) -> StateError:
    """The system refused something: `expected` is what should have been possible with `path`."""
    return StateError(f"expected {expected}, got `{path}`: {error.strerror}; {way_out}")

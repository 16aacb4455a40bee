"""What is wrong with a state directory, told in a sentence for the user."""

import errno
from pathlib import Path

ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"
RESTORE = f"restore the file from a backup, or {ELSEWHERE}"

_REMEDIES = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "raise the quota of its disk",
    errno.EFBIG: "raise the limit on a file's size",
    errno.EROFS: "make its file system writable",
    errno.EACCES: "allow it to the user who runs riskgate",
    errno.EPERM: "allow it to the user who runs riskgate",
}


class StateError(Exception):
    """Says what was expected, what is there instead, in which file, and the way out."""


def unreadable(expected: str, path: Path, error: OSError) -> StateError:
    """The system did not let us read what should be at `path`."""
    return StateError(f"expected {expected}, got `{path}`: {error.strerror}; {RESTORE}")


def unwritable(path: Path, error: OSError) -> StateError:
    """The system did not let us write `path`. What is in the directory stays good."""
    remedy = _REMEDIES.get(error.errno or 0, "check its disk")
    return StateError(
        f"expected a state directory that can be written, got `{path}`: {error.strerror}; {remedy} and start again with"
        f" the same directory, or {ELSEWHERE}"
    )

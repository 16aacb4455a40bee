"""Files that cannot be written, for root too."""

import os
from pathlib import Path

BOUND = ("setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override") if os.geteuid() == 0 else ()
"""What a command begins with so that permissions hold for it, whoever runs it."""


def forbid_writing(folder: Path) -> None:
    """Takes the permission to write from the folder and all that is in it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def allow_writing(folder: Path) -> None:
    """Gives it back to the owner, so that the folder can be removed."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)

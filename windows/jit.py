"""The one place that names numba: kernels are plain typed Python functions, compiled at first use and cached on disk.

They allocate nothing, so they are compiled without reference counting; passing an array is otherwise two atomic
operations.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def cache_path(room: Path) -> Path:
    """Where the kernels in the sources of `room` are cached: a name made of all of them.

    One kernel's code holds the code of helpers in other files, while numba itself sees only changes of the kernel's
    own.
    """
    digest = hashlib.sha256()
    for source in sorted(room.glob("*.py")):
        digest.update(source.name.encode() + hashlib.sha256(source.read_bytes()).digest())
    return room / "__pycache__" / f"kernels-{digest.hexdigest()[:12]}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _users_copy(shipped: Path) -> Path:
    """A folder of that name in the user's cache; it begins with the kernels that lie in `shipped`, if there are any."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "riskgate"
    copy = home / shipped.name
    home.mkdir(parents=True, exist_ok=True)
    if not copy.exists():
        whole = Path(tempfile.mkdtemp(dir=home))
        for kernel in shipped.rglob("*.nb[ic]"):
            target = whole / kernel.relative_to(shipped)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(kernel, target)
        try:
            whole.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(whole)
    return copy


def _keep_cache_by_content() -> None:
    """Caches in `cache_path`; where it cannot be written, in the user's copy of it; else wherever numba finds room."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    cache = cache_path(Path(__file__).parent)
    if not _writable(cache):
        try:
            cache = _users_copy(cache)
        except (OSError, RuntimeError):  # no room, no home
            return
    vars(numba.config)["CACHE_DIR"] = str(cache)


_keep_cache_by_content()


def kernel(function: Function) -> Function:
    """`function` compiled for its arguments' types, without the interpreter lock."""
    return cast(Function, numba.njit(**_OPTIONS)(function))


def inlined(function: Function) -> Function:
    """As `kernel`, for a helper whose code goes into each of its callers."""
    return cast(Function, numba.njit(forceinline=True, **_OPTIONS)(function))

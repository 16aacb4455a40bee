"""The one place that names numba: kernels are plain typed Python functions, compiled at first use and cached on disk.

They allocate nothing, so they are compiled without reference counting; passing an array is otherwise two atomic
operations.
"""

import hashlib
import os
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


def _keep_cache_by_content() -> None:
    """Caches in `cache_path`; where it cannot be written, numba takes the user's own cache directory."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    cache = cache_path(Path(__file__).parent)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(cache, os.W_OK):
        vars(numba.config)["CACHE_DIR"] = str(cache)


_keep_cache_by_content()


def kernel(function: Function) -> Function:
    """`function` compiled for its arguments' types, without the interpreter lock."""
    return cast(Function, numba.njit(**_OPTIONS)(function))


def inlined(function: Function) -> Function:
    """As `kernel`, for a helper whose code goes into each of its callers."""
    return cast(Function, numba.njit(forceinline=True, **_OPTIONS)(function))

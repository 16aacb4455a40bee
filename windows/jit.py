"""The one place that names numba: kernels are plain typed Python functions, compiled at first use and cached on disk.

They allocate nothing, so they are compiled without reference counting; passing an array is otherwise two atomic operations.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def _keep_cache_by_content() -> None:
    """Caches under a name made of all kernels' sources, since numba itself sees only changes of the caller's own file."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    room = Path(__file__).parent
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sorted(room.glob("*.py")))).hexdigest()[:12]
    cache = room / "__pycache__" / f"kernels-{digest}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(cache, os.W_OK):
        numba.config.CACHE_DIR = str(cache)


_keep_cache_by_content()


def kernel(function: Function) -> Function:
    """`function` compiled for its arguments' types, without the interpreter lock."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))


def inlined(function: Function) -> Function:
    """As `kernel`, for a helper whose code goes into each of its callers."""
    return cast(
        Function, numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)(function)
    )

"""Filters as words: bits of those that an event passes, and the steps of a sequence."""

from collections.abc import Iterable, Sequence

from windows import layout


def bits_of(filters: Iterable[int]) -> int:
    """The word with the bits of these filters."""
    return sum(1 << each for each in set(filters))


def packed(steps: Sequence[int]) -> int:
    """Steps in one word, as `layout.STEP_BITS` says."""
    return sum((each + 1) << layout.STEP_BITS * place for place, each in enumerate(reversed(steps)))

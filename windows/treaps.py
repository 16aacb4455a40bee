"""Kernels of ordered trees: members by value, so that the k-th of them is found in logarithmic time.

A tree is a treap (Seidel and Aragon, 1996): ordered by value and member, and a heap by a priority that is drawn from
the member's number. So its shape follows from its members alone, in whichever order they came. A member has three cells
for its children and for how many members are below and with it.
"""

from typing import NamedTuple

import numpy as np

from windows import layout
from windows.jit import inlined, kernel
from windows.keys import mix
from windows.memory import Cells, Words

LEFT, RIGHT, SIZE = range(3)


class Tree(NamedTuple):
    """Where members lie: the value of member m at `words[m * word_stride + word]`, its cells from there on likewise."""

    words: Words
    word_stride: int
    word: int
    cells: Cells
    cell_stride: int
    cell: int


@inlined
def _value_of(tree: Tree, member: int) -> int:
    return int(tree.words[np.uint64(member * tree.word_stride + tree.word)])


@inlined
def _get(tree: Tree, member: int, which: int) -> int:
    return int(tree.cells[np.uint64(member * tree.cell_stride + tree.cell + which)])


@inlined
def _set(tree: Tree, member: int, which: int, value: int) -> None:
    tree.cells[np.uint64(member * tree.cell_stride + tree.cell + which)] = value


@inlined
def size_of(tree: Tree, member: int) -> int:
    """How many members the tree has whose root this is."""
    return 0 if member == layout.NONE else _get(tree, member, SIZE)


@inlined
def _priority(member: int) -> np.uint64:
    return mix(np.uint64(member))


@inlined
def _precedes(tree: Tree, value: int, member: int, other: int) -> bool:
    theirs = _value_of(tree, other)
    return value < theirs or (value == theirs and member < other)


@inlined
def _count_before(tree: Tree, at: int, value: int, member: int) -> int:
    """How many members from `at` down stand before this one, which is not among them."""
    count = 0
    while at != layout.NONE:
        if _precedes(tree, value, member, at):
            at = _get(tree, at, LEFT)
        else:
            count += 1 + size_of(tree, _get(tree, at, LEFT))
            at = _get(tree, at, RIGHT)
    return count


@inlined
def _divide(tree: Tree, at: int, value: int, member: int) -> None:
    """Hangs what is from `at` down below `member`: what stands before it to its left, the rest to its right."""
    total, before = size_of(tree, at), _count_before(tree, at, value, member)
    _set(tree, member, SIZE, total + 1)
    smaller, larger = before, total - before
    low, low_side, high, high_side = member, LEFT, member, RIGHT
    while at != layout.NONE:
        if _precedes(tree, value, member, at):
            _set(tree, high, high_side, at)
            _set(tree, at, SIZE, larger)
            larger -= 1 + size_of(tree, _get(tree, at, RIGHT))
            high, high_side = at, LEFT
            at = _get(tree, at, LEFT)
        else:
            _set(tree, low, low_side, at)
            _set(tree, at, SIZE, smaller)
            smaller -= 1 + size_of(tree, _get(tree, at, LEFT))
            low, low_side = at, RIGHT
            at = _get(tree, at, RIGHT)
    _set(tree, low, low_side, layout.NONE)
    _set(tree, high, high_side, layout.NONE)


@kernel
def insert(tree: Tree, root: int, member: int) -> int:
    """Puts in a member, which must not be there; returns the root."""
    value, priority = _value_of(tree, member), _priority(member)
    above, side, at = layout.NONE, LEFT, root
    while at != layout.NONE and _priority(at) > priority:
        _set(tree, at, SIZE, _get(tree, at, SIZE) + 1)
        above, side = at, LEFT if _precedes(tree, value, member, at) else RIGHT
        at = _get(tree, at, side)
    _divide(tree, at, value, member)
    if above == layout.NONE:
        return member
    _set(tree, above, side, member)
    return root


@kernel
def erase(tree: Tree, root: int, member: int, value: int) -> int:
    """Takes out a member, which must be there and came with `value`; returns the root."""
    above, side, at = layout.NONE, LEFT, root
    while at != member:
        _set(tree, at, SIZE, _get(tree, at, SIZE) - 1)
        above, side = at, LEFT if _precedes(tree, value, member, at) else RIGHT
        at = _get(tree, at, side)
    low, high = _get(tree, member, LEFT), _get(tree, member, RIGHT)
    while True:
        from_low = high == layout.NONE or (low != layout.NONE and _priority(low) > _priority(high))
        chosen = low if from_low else high
        if above == layout.NONE:
            root = chosen
        else:
            _set(tree, above, side, chosen)
        if low == layout.NONE or high == layout.NONE:
            return root
        _set(tree, chosen, SIZE, _get(tree, low, SIZE) + _get(tree, high, SIZE))
        above, side = chosen, RIGHT if from_low else LEFT
        if from_low:
            low = _get(tree, low, RIGHT)
        else:
            high = _get(tree, high, LEFT)


@kernel
def member_at(tree: Tree, root: int, place: int) -> int:
    """The member with this many before it."""
    at = root
    while True:
        before = size_of(tree, _get(tree, at, LEFT))
        if place == before:
            return at
        if place < before:
            at = _get(tree, at, LEFT)
        else:
            place -= before + 1
            at = _get(tree, at, RIGHT)

"""Kernels that hash a JSON object so that neither the order of their fields nor white space matters.

A field is a sequence of tokens: its name and the strings, numbers, literals and punctuation of its value. Its hash is
the SipHash of its tokens, each filled up with zeros to whole words; an object's is the sum over its fields. Within a
value the order matters. Bytes that are no JSON object have some hash too.
"""

import numpy as np
from numpy.typing import NDArray

from windows.jit import inlined
from windows.siphash import State, absorbed, finished, seeded, word_at

_QUOTE, _BACKSLASH, _COMMA, _COLON, _SPACE = b'"\\,: '
_BRACE, _BRACKET, _END_BRACE, _END_BRACKET = b"{[}]"

_EACH = np.uint64(0x0101010101010101)
_HIGHEST = np.uint64(0x8080808080808080)
_FIRST = np.uint64(0xFF)
_QUOTES, _BACKSLASHES = _EACH * np.uint64(_QUOTE), _EACH * np.uint64(_BACKSLASH)


@inlined
def _zeros(word: np.uint64) -> np.uint64:
    """The highest bit of the lowest zero byte, and perhaps of bytes above it; 0 if there is no zero byte."""
    return (word - _EACH) & ~word & _HIGHEST


@inlined
def _string_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Behind the string whose first quote is at `at`."""
    at += 1
    while at < stop:
        if text[np.uint64(at)] == _QUOTE:
            return at + 1
        at += 2 if text[np.uint64(at)] == _BACKSLASH else 1
    return stop


@inlined
def _literal_end(text: NDArray[np.uint8], at: int, stop: int) -> int:
    """Behind the number or literal that begins at `at`."""
    while at < stop:
        byte = text[np.uint64(at)]
        if byte <= _SPACE or byte in (_COMMA, _END_BRACE, _END_BRACKET):
            break
        at += 1
    return at


@inlined
def _absorb(text: NDArray[np.uint8], at: int, end: int, state: State) -> State:
    """The state behind the token from `at` to `end`."""
    while at < end:
        word = word_at(text, at)
        if end - at < 8:
            word &= (np.uint64(1) << np.uint64(8 * (end - at))) - np.uint64(1)
        state = absorbed(state, word)
        at += 8
    return state


@inlined
def _absorb_string(text: NDArray[np.uint8], start: int, stop: int, state: State) -> tuple[int, State]:
    """The end of the string whose first quote is at `start`, and the state behind it; eight bytes at a time."""
    at, before = start, state
    word = word_at(text, at)
    found = _zeros((word ^ _QUOTES) | _FIRST) | _zeros(word ^ _BACKSLASHES)
    while found == np.uint64(0) and at + 8 < stop:
        state = absorbed(state, word)
        at += 8
        word = word_at(text, at)
        found = _zeros(word ^ _QUOTES) | _zeros(word ^ _BACKSLASHES)
    lowest = found & (~found + np.uint64(1))
    until = lowest | (lowest - np.uint64(1))
    end = at + int(((until & _EACH) * _EACH) >> np.uint64(56))
    if found == np.uint64(0) or end > stop or text[np.uint64(end - 1)] == _BACKSLASH:
        end = _string_end(text, start, stop)
        return end, _absorb(text, start, end, before)
    return end, absorbed(state, word & until)


@inlined
def _depth_change(byte: int) -> int:
    if byte in (_BRACE, _BRACKET):
        return 1
    return -1 if byte in (_END_BRACE, _END_BRACKET) else 0


@inlined
def hash_object(text: NDArray[np.uint8], at: int, stop: int, key0: np.uint64, key1: np.uint64) -> np.uint64:
    """The hash of the object from `at` to `stop`; behind it there must be seven bytes more."""
    total, state = np.uint64(0), seeded(key0, key1)
    depth = length = 0
    while at < stop:
        byte = int(text[np.uint64(at)])
        end = at + 1
        if byte == _QUOTE:
            end, state = _absorb_string(text, at, stop, state)
            length += (end - at + 7) & ~7
        elif byte > _SPACE:
            change = _depth_change(byte)
            depth += change
            if depth == 0 or (byte == _COMMA and depth == 1):
                if length > 0:
                    total += finished(state, length, np.uint64(0))
                state, length = seeded(key0, key1), 0
            elif depth > 1 or change < 0 or (change == 0 and byte != _COLON):
                if change == 0 and byte not in (_COMMA, _COLON):
                    end = _literal_end(text, at, stop)
                state = _absorb(text, at, end, state)
                length += (end - at + 7) & ~7
        at = end
    return total

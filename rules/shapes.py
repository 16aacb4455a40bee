"""Reading tables, texts and choices from the YAML tree, with a finding for whatever has another shape."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from rules.bounds import TEXT_CHARS_MAX
from rules.findings import Code, Ledger, did_you_mean, one_of, quoted
from rules.sources import Spot
from rules.trees import Items, Scalar, Table, Tree

Choice = TypeVar("Choice", bound=str)

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
RULE_ID = re.compile(r"[a-z][a-z0-9_]*([.-][a-z0-9_]+)*", re.ASCII)
PACK_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)

_SHAPES = {Scalar: "a text", Items: "a list", Table: "a mapping"}


class Shapes:
    """Reads nodes of one pack; what is wrong goes to the ledger, and the reading goes on with None.

    What expires is held against `as_of_ms`, in epoch milliseconds, where that is given.
    """

    def __init__(self, ledger: Ledger, as_of_ms: int | None = None) -> None:
        self.ledger = ledger
        self.as_of_ms = as_of_ms

    def table(self, node: Tree | None, what: str, keys: Iterable[str] | None = None) -> Table | None:
        """`node` as a mapping; where `keys` is given, any other key is a finding."""
        if not isinstance(node, Table):
            self._wrong_shape(node, what, "a mapping")
            return None
        if keys is not None:
            known = list(keys)
            for key, _ in node.entries:
                if key.value not in known:
                    hint = did_you_mean(key.value, known) or f"the keys are {', '.join(known)}"
                    self.ledger.report("unknown-key", key.spot, f"{quoted(key.value)} is not a key of {what}", hint)
        return node

    def items(self, node: Tree | None, what: str, most: int) -> tuple[Tree, ...]:
        if not isinstance(node, Items):
            self._wrong_shape(node, what, "a list")
            return ()
        self.count(len(node.values), most, what, node.spot)
        return node.values

    def count(self, count: int, most: int, what: str, spot: Spot) -> None:
        if count > most:
            self.ledger.report("too-large", spot, f"expected at most {most:,} {what}, got {count:,}")

    def scalar(self, node: Tree | None, what: str) -> Scalar | None:
        """`node` as a text that is not empty and not long."""
        if not isinstance(node, Scalar):
            self._wrong_shape(node, what, "a text")
            return None
        if not node.value:
            self.ledger.report("bad-value", node.spot, f"expected {what}, got nothing")
            return None
        if len(node.value) > TEXT_CHARS_MAX:
            message = f"expected {what} of at most {TEXT_CHARS_MAX:,} characters, got {len(node.value):,}"
            self.ledger.report("too-large", node.spot, message)
            return None
        return node

    def required(self, table: Table, key: str, what: str) -> Tree | None:
        """The value of a key that has to be there."""
        node = table.get(key)
        if node is None:
            self.ledger.report("missing-key", table.spot, f"{what} needs the key `{key}`")
        return node

    def text(self, table: Table, key: str) -> str | None:
        """The text of a key that may be left out."""
        node = table.get(key)
        scalar = None if node is None else self.scalar(node, f"a text for `{key}`")
        return scalar.value if scalar else None

    def choice(self, table: Table, key: str, options: Mapping[str, Choice]) -> Choice | None:
        """One of the options, None where the key is left out or wrong."""
        node = table.get(key)
        scalar = None if node is None else self.scalar(node, f"{one_of(options)} for `{key}`")
        chosen = None if scalar is None else options.get(scalar.value)
        if scalar is not None and chosen is None:
            message = f"expected {one_of(options)} for `{key}`, got {quoted(scalar.value)}"
            self.ledger.report("bad-value", scalar.spot, message, did_you_mean(scalar.value, options))
        return chosen

    def name(self, scalar: Scalar, what: str, pattern: re.Pattern[str] = NAME) -> bool:
        """Whether a scalar can be the name of `what`."""
        if len(scalar.value) <= 128 and pattern.fullmatch(scalar.value):
            return True
        example = {
            NAME: "`tx_10m`",
            RULE_ID: "`game.card_burst`",
            PACK_NAME: "`game-points`",
            REASON: "`VEL_CARD_BURST`",
        }
        message = f"expected {what} such as {example[pattern]}, got {quoted(scalar.value)}"
        self.ledger.report("bad-name", scalar.spot, message, f"it must match {pattern.pattern}")
        return False

    def known(self, scalar: Scalar, options: Iterable[str], code: Code, what: str) -> bool:
        """Whether a scalar is one of the names there are."""
        names = list(options)
        if scalar.value in names:
            return True
        hint = did_you_mean(scalar.value, names)
        self.ledger.report(code, scalar.spot, f"{quoted(scalar.value)} is not {what}", hint or _listed(names))
        return False

    def _wrong_shape(self, node: Tree | None, what: str, expected: str) -> None:
        if node is not None:
            message = f"expected {expected} as {what}, got {_SHAPES[type(node)]}"
            self.ledger.report("wrong-shape", node.spot, message)


def _listed(names: list[str]) -> str | None:
    if not names:
        return None
    return f"there are {', '.join(names[:12])}{' and more' if len(names) > 12 else ''}"


def as_options(values: Iterable[Choice]) -> dict[str, Choice]:
    """Choices by their text."""
    return {str(value): value for value in values}

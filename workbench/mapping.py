"""The map of a data file: which of its columns are which fields of our events."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rules.bounds import FILE_BYTES_MAX
from rules.fields import STORED_FIELDS
from rules.findings import Ledger, render
from rules.literals import duration_ms, whole_number
from rules.shapes import Shapes
from rules.trees import Scalar, Table, Tree, parse_source
from schemas import TimestampError, epoch_ms

KEYS = ("columns", "constants", "attributes", "time", "amount", "label")
UNITS = {"ms": 1, "s": 1_000}
EVENT_FIELDS = ("type", "timestamp", *STORED_FIELDS)
"""What a column may be mapped to."""

DECIMALS_MAX = 6

_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


class MappingError(Exception):
    """A map that cannot be used; the text shows each mistake with its place."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """`columns` and `attributes` give for our name the file's; `constants` is what every event has.

    Whole numbers in the timestamp's column count `unit_ms` from `origin_ms`. A row is fraud where `label` is 1 or true,
    and that was known `label_after_ms` after the event. Amounts are rounded to `decimals`; where that is None, to none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    unit_ms: int = 1
    origin_ms: int = 0
    label: str | None = None
    label_after_ms: int = 0
    decimals: int | None = None

    def identity(self) -> str:
        """The same for maps that mean the same."""
        return repr(
            (
                sorted(self.columns.items()),
                sorted(self.constants.items()),
                sorted(self.attributes.items()),
                (self.unit_ms, self.origin_ms, self.label, self.label_after_ms, self.decimals),
            )
        )


def read_map(path: Path) -> ColumnMap:
    """Reads the YAML file of a map. Raises MappingError."""
    ledger = Ledger()
    try:
        with path.open("rb") as file:
            tree = parse_source(str(path), file.read(FILE_BYTES_MAX + 1), ledger)
    except OSError as error:
        raise MappingError(f"the map `{path}` cannot be read: {error.strerror}") from None
    found = None if tree is None else _Reader(Shapes(ledger)).read(tree)
    if ledger.has_errors or found is None:
        raise MappingError(render(ledger.findings))
    return found


class _Reader:
    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def read(self, tree: Tree) -> ColumnMap | None:
        table = self._shapes.table(tree, "a map", KEYS)
        if table is None:
            return None
        unit_ms, origin_ms = self._time(table)
        label, after_ms = self._label(table)
        return ColumnMap(
            self._texts(table, "columns", EVENT_FIELDS),
            self._texts(table, "constants", EVENT_FIELDS),
            self._texts(table, "attributes", None),
            unit_ms,
            origin_ms,
            label,
            after_ms,
            self._decimals(table),
        )

    def _texts(self, table: Table, key: str, names: tuple[str, ...] | None) -> dict[str, str]:
        """A mapping of texts to texts; its keys are among `names`, or fit to be an attribute."""
        node = table.get(key)
        inner = None if node is None else self._shapes.table(node, f"`{key}`")
        found: dict[str, str] = {}
        for name, value in () if inner is None else inner.entries:
            if names is not None:
                known = self._shapes.known(name, names, "unknown-field", "a field of our events")
            else:
                known = _ATTRIBUTE.fullmatch(name.value) is not None or self._unfit(name)
            scalar = self._shapes.scalar(value, f"a text for `{name.value}`")
            if known and scalar is not None:
                found[name.value] = scalar.value
        return found

    def _unfit(self, name: Scalar) -> bool:
        self._shapes.ledger.report(
            "bad-name", name.spot, f"expected a name of letters, digits and _, got `{name.value}`"
        )
        return False

    def _part(self, table: Table, key: str, keys: tuple[str, ...]) -> Table | None:
        node = table.get(key)
        return None if node is None else self._shapes.table(node, f"`{key}`", keys)

    def _time(self, table: Table) -> tuple[int, int]:
        part = self._part(table, "time", ("unit", "from"))
        if part is None:
            return 1, 0
        unit = self._shapes.choice(part, "unit", {name: name for name in UNITS})
        node, origin_ms = part.get("from"), 0
        scalar = None if node is None else self._shapes.scalar(node, "a time for `from`")
        if scalar is not None:
            try:
                origin_ms = epoch_ms(scalar.value)
            except TimestampError as error:
                self._shapes.ledger.report("bad-literal", scalar.spot, str(error))
        return UNITS[unit or "ms"], origin_ms

    def _label(self, table: Table) -> tuple[str | None, int]:
        part = self._part(table, "label", ("column", "after"))
        if part is None:
            return None, 0
        column = self._shapes.scalar(self._shapes.required(part, "column", "`label`"), "the name of a column")
        after = part.get("after")
        after_ms = duration_ms(after, self._shapes.ledger, least_ms=0) if isinstance(after, Scalar) else 0
        return None if column is None else column.value, after_ms or 0

    def _decimals(self, table: Table) -> int | None:
        part = self._part(table, "amount", ("decimals",))
        node = None if part is None else self._shapes.required(part, "decimals", "`amount`")
        scalar = None if node is None else self._shapes.scalar(node, "a whole number for `decimals`")
        return None if scalar is None else whole_number(scalar, self._shapes.ledger, 0, DECIMALS_MAX)

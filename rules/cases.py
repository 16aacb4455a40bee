"""Reading the tests inside rules."""

from collections.abc import Mapping
from typing import Any

from rules.bounds import QUANTITY_MAX, TEST_EVENTS_MAX, TESTS_MAX
from rules.fields import PLACE_FIELDS, STORED_FIELDS, Field
from rules.findings import did_you_mean, quoted
from rules.literals import duration_ms, literal, whole_number
from rules.models import THENS, Answer, Case, Expect, Feature, Given, Then, otherwise
from rules.shapes import Shapes, as_options
from rules.syntax import ValueType
from rules.trees import Items, Scalar, Table, Tree
from schemas import STRUCTS, MoneyError, Value, minor_units

CASE_KEYS = ("name", "profiles", "given", "expect")
EXPECT_KEYS = ("then", "features")
TIMING_KEYS = ("repeat", "every", "after", "at")
_SECOND_MS = 1_000


class CaseReader:
    """Reads the tests of one rule, whose own answer is `then` (None: it is wrong, and has been reported)."""

    def __init__(
        self, shapes: Shapes, currency: str, features: Mapping[str, Feature], broken: set[str], then: Then | None
    ) -> None:
        self.shapes = shapes
        self.ledger = shapes.ledger
        self.currency = currency
        self.features = features
        self.broken = broken
        self.then = then

    def read(self, node: Tree) -> tuple[Case, ...]:
        cases: dict[str, Case] = {}
        for each in self.shapes.items(node, "tests", TESTS_MAX):
            case = self._case(each)
            if case is not None and case.name in cases:
                self.ledger.report("bad-test", each.spot, f"two tests of this rule are named {quoted(case.name)}")
            elif case is not None:
                cases[case.name] = case
        return tuple(cases.values())

    def _case(self, node: Tree) -> Case | None:
        table = self.shapes.table(node, "a test", CASE_KEYS)
        if table is None:
            return None
        name = self.shapes.scalar(self.shapes.required(table, "name", "a test"), "a name for the test")
        given_node = self.shapes.required(table, "given", "a test")
        steps = () if given_node is None else self.shapes.items(given_node, "events in `given`", TEST_EVENTS_MAX)
        given = [self._given(step) for step in steps]
        expect = self._expect(self.shapes.required(table, "expect", "a test"))
        present = tuple(step for step in given if step is not None)
        if isinstance(given_node, Items) and not given:
            self.ledger.report("bad-test", given_node.spot, "expected at least one event in `given`")
        if sum(step.repeat for step in present) > TEST_EVENTS_MAX:
            self.ledger.report("too-large", table.spot, f"expected at most {TEST_EVENTS_MAX:,} events in a test")
        if name is None or expect is None or not given or len(present) < len(given):
            return None
        line = table.source.position(name.start)[0]
        return Case(name.value, present, expect, table.source.name, line, self._profiles(table.get("profiles")))

    def _profiles(self, node: Tree | None) -> dict[str, dict[str, str]]:
        """What a store would have of each user: texts, whatever they look like."""
        users = None if node is None else self.shapes.table(node, "the profiles of users")
        found: dict[str, dict[str, str]] = {}
        for user, value in () if users is None else users.entries:
            facts = self.shapes.table(value, f"the profile of {quoted(user.value)}")
            scalars = {} if facts is None else {k.value: self.shapes.scalar(v, "a value") for k, v in facts.entries}
            found[user.value] = {name: scalar.value for name, scalar in scalars.items() if scalar is not None}
        return found

    def _given(self, node: Tree) -> Given | None:
        table = self.shapes.table(node, "an event in `given`", (*STRUCTS, *TIMING_KEYS))
        if table is None:
            return None
        events = [(key, value) for key, value in table.entries if key.value in STRUCTS]
        if len(events) != 1:
            message = f"expected one event such as `payment: {{user_id: u1}}`, got {len(events)}"
            self.ledger.report("bad-test", table.spot, message)
            return None
        key, value = events[0]
        repeat = self._number(table, "repeat", 1)
        every_ms = self._duration(table, "every", _SECOND_MS)
        after_ms = self._duration(table, "after", _SECOND_MS)
        at_ms = None if table.get("at") is None else self._duration(table, "at", 0)
        if table.get("at") is not None and table.get("after") is not None:
            self.ledger.report("bad-test", table.spot, "an event comes `after` the one before or `at` a time, not both")
        fields = self._fields(key.value, value)
        if fields is None or repeat is None or every_ms is None or after_ms is None:
            return None
        return Given(key.value, fields, repeat, every_ms, None if at_ms is not None else after_ms, at_ms)

    def _number(self, table: Table, key: str, default: int) -> int | None:
        node = table.get(key)
        if node is None:
            return default
        scalar = self.shapes.scalar(node, f"a number for `{key}`")
        return None if scalar is None else whole_number(scalar, self.ledger, 1, TEST_EVENTS_MAX)

    def _duration(self, table: Table, key: str, default_ms: int) -> int | None:
        node = table.get(key)
        if node is None:
            return default_ms
        scalar = self.shapes.scalar(node, f"a duration for `{key}`")
        return None if scalar is None else duration_ms(scalar, self.ledger, least_ms=0)

    def _fields(self, event: str, node: Tree) -> dict[str, Any] | None:
        names = [name for name, field in STORED_FIELDS.items() if event in field.events]
        if isinstance(node, Scalar) and not node.value and not node.style:
            return {}
        table = self.shapes.table(node, f"the fields of `{event}`")
        if table is None:
            return None
        found: dict[str, Any] = {}
        for key, value in table.entries:
            if key.value == "attributes":
                found["attributes"] = self._attributes(value)
            elif key.value not in names:
                hint = did_you_mean(key.value, names)
                if key.value == "timestamp":
                    hint = "`at:` or `after:` beside the event says when it comes"
                message = f"{quoted(key.value)} is not a field of `{event}`"
                self.ledger.report("unknown-field", key.spot, message, hint)
            else:
                found[key.value] = self._value(STORED_FIELDS[key.value], value)
        return found

    def _attributes(self, node: Tree) -> dict[str, Any]:
        table = self.shapes.table(node, "attributes")
        scalars = {} if table is None else {k.value: self.shapes.scalar(v, "a value") for k, v in table.entries}
        literals = {name: literal(each, self.currency, self.ledger) for name, each in scalars.items() if each}
        for name, value in literals.items():
            each = scalars[name]
            if value is not None and each is not None and value.type in ("money", "duration"):
                message = "an attribute is a number, a text or true or false"
                self.ledger.report("bad-test", each.spot, message, "put it in quotes if it is a text")
        return {name: value.value for name, value in literals.items() if value is not None}

    def _degrees(self, scalar: Scalar, most: int) -> Any:
        found = literal(scalar, self.currency, self.ledger)
        if found is not None and (found.type != "number" or not -most <= float(found.value) <= most):
            message = f"expected degrees from -{most} to {most}, got {quoted(scalar.value)}"
            self.ledger.report("bad-test", scalar.spot, message)
        return None if found is None else found.value

    def _value(self, field: Field, node: Tree) -> Any:
        scalar = self.shapes.scalar(node, f"a value for `{field.name}`")
        if scalar is None:
            return None
        if field.name in PLACE_FIELDS:
            return self._degrees(scalar, PLACE_FIELDS[field.name])
        if field.type == "number":
            return whole_number(scalar, self.ledger, 0, QUANTITY_MAX)
        if field.type == "money":
            try:
                minor_units(scalar.value, self.currency)
            except MoneyError as error:
                hint = "`currency:` beside it says another currency than the pack's"
                self.ledger.report("bad-test", scalar.spot, str(error), hint)
            return scalar.value
        if field.type == "bool":
            if scalar.value not in ("true", "false"):
                message = f"expected `true` or `false` for `{field.name}`, got {quoted(scalar.value)}"
                self.ledger.report("bad-test", scalar.spot, message)
            return scalar.value == "true"
        most = 3 if field.name == "currency" else 256
        if len(scalar.value) > most:
            message = f"expected at most {most} characters for `{field.name}`, got {len(scalar.value)}"
            self.ledger.report("bad-test", scalar.spot, message)
        return scalar.value

    def _expect(self, node: Tree | None) -> Expect | None:
        table = None if node is None else self.shapes.table(node, "expect", EXPECT_KEYS)
        if table is None or self.shapes.required(table, "then", "expect") is None:
            return None
        answers: tuple[Answer, ...] = (otherwise(self.then), self.then) if self.then else (*THENS, "no_match")
        then = self.shapes.choice(table, "then", as_options(answers)) or "allow"
        node = table.get("features")
        features = None if node is None else self.shapes.table(node, "the expected features")
        found: dict[str, Value] = {}
        for key, value in () if features is None else features.entries:
            feature = self.features.get(key.value)
            if feature is not None:
                found[key.value] = self._expected(feature.type, value)
            elif key.value not in self.broken:
                hint = did_you_mean(key.value, self.features)
                self.ledger.report("unknown-field", key.spot, f"{quoted(key.value)} is not a feature of the pack", hint)
        return Expect(then, found)

    def _expected(self, kind: ValueType, node: Tree) -> Value:
        """The expected value of a feature in its own type; `missing` is None."""
        scalar = self.shapes.scalar(node, "a value of the feature")
        if scalar is None or (scalar.value == "missing" and not scalar.style):
            return None
        found = literal(scalar, self.currency, self.ledger)
        if found is None or found.type == kind or kind == "text":
            return scalar.value if kind == "text" else found.value if found else None
        if kind == "money" and found.type == "number":
            return self._bare_money(scalar)
        message = f"expected a {kind} as the value of the feature, got {quoted(scalar.value)}"
        self.ledger.report("bad-test", scalar.spot, message)
        return None

    def _bare_money(self, scalar: Scalar) -> Value:
        try:
            return minor_units(scalar.value, self.currency)
        except MoneyError as error:
            self.ledger.report("bad-test", scalar.spot, str(error))
            return None

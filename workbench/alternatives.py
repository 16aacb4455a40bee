"""Alternatives: the smallest change of one value that an event had, or of one param, by which it is decided otherwise.

A change leaves everything else as it was. Numbers are searched to the last unit, or to the last bit of a fraction: what
`rules.ranges` proves to change nothing is passed over, and what is left is evaluated. Each alternative has been tried
with the conditions that the live engine runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from decimal import Decimal
from itertools import product

import msgspec

from rules import NEVER, Condition, Input, Literal, Pack, Rule
from rules.bounds import DURATION_MS_MAX, INTEGER_MAX
from rules.domains import Domain
from rules.intervals import Interval
from rules.literals import exact_duration, shown
from rules.ranges import Ranges
from rules.syntax import PREFIXES, Call, Compare, InList, InTuples, Node, Read, ValueType, inputs_of, walk
from rules.syntax import OneOf as OneOfTexts
from schemas import EXPONENTS, Action, Value
from workbench.axes import Axis, Kind, Line
from workbench.variants import VariantError, varied
from workbench.verdict import Conditions, Seen, judges, live_action

EFFORT_MAX = 4_000
"""So many intervals are looked at for one value before its search is given up."""

UNSURE_MAX = 6
"""An interval in which more rules than this may come out either way is cut in two."""

ANOTHER = "another"


class Alternative(msgspec.Struct, frozen=True):
    """`name` has `new` in place of `old`, and the action is `action`; None is no value.

    Money is in minor units, a duration in milliseconds. `name` is `RULE: params.NAME` for a param, and `lists.NAME` for
    a list, which then has the text or not: `old` and `new` are bools. `size` is how far the new value is from the old
    one in parts of the larger of both; 1 where that cannot be said. `text` is the change in words.
    """

    kind: Kind
    name: str
    old: Value
    new: Value
    action: Action
    size: float
    text: str


class Search(msgspec.Struct, frozen=True):
    """The alternatives to `action`, which the conditions lead to, the smallest first. `given_up` names what was not
    searched to the end.
    """

    action: Action
    found: list[Alternative]
    given_up: list[str]


class _GaveUp(Exception):
    """A search took more than EFFORT_MAX steps."""


def alternatives(pack: Pack, event_type: str, seen: Seen) -> Search:
    """What else would have decided an event of this type, of which the conditions saw `seen`, otherwise."""
    return _Searching(pack, event_type, seen).search()


class _Searching:
    def __init__(self, pack: Pack, event_type: str, seen: Seen) -> None:
        self._pack = pack
        self._seen = seen
        self._rules = [rule for rule in pack.rules if rule.mode == "live" and judges(rule, event_type)]
        self._own = Conditions(self._rules, [rule.when for rule in self._rules])
        self._hits = self._own.hits(seen)
        self._action = live_action(self._rules, self._hits)
        self._domain = Domain(pack.currency, frozenset((event_type,)), pack.features)
        self._reads = [frozenset(inputs_of(rule.when.tree)) for rule in self._rules]

    def search(self) -> Search:
        found: list[Alternative] = []
        axes: list[Axis] = []
        inputs = dict.fromkeys(read for rule in self._rules for read in inputs_of(rule.when.tree))
        for read in inputs:
            if read.kind == "list" or (read.kind == "field" and read.name == "type"):
                continue
            if read.type in ("text", "bool"):
                found += self._of_choices(read)
            else:
                axes.append(self._axis_of_input(read))
        for rule in self._rules:
            for name, param in rule.params.items():
                axis = self._axis_of_param(rule, name, param)
                if axis is not None:
                    axes.append(axis)
        given_up: list[str] = []
        for axis in axes:
            found += self._nearest(axis, given_up)
        found += self._of_lists()
        return Search(self._action, sorted(found, key=lambda each: (each.size, each.name)), given_up)

    # One number

    def _axis_of_input(self, read: Input) -> Axis:
        value = self._seen.values.get(read)
        old = value if isinstance(value, int | float) else None
        low, high = self._domain.interval(read)
        rules = frozenset(number for number, reads in enumerate(self._reads) if read in reads)
        name = PREFIXES.get(read.kind, "") + read.name
        return Axis(read.kind, name, read.type, read.whole, old, low, high, read, rules)

    def _axis_of_param(self, rule: Rule, name: str, param: Literal) -> Axis | None:
        """None where it is no number, or the condition computes with it."""
        standing = {node for node in walk(rule.when.tree) if isinstance(node, Literal) and node.param == name}
        values = {(node.type, node.value) for node in standing}
        if len(values) != 1 or param.type not in ("number", "money", "duration"):
            return None
        ((kind, old),) = values
        if not isinstance(old, int | float):
            return None
        try:
            varied(rule, {name: param}, self._pack.currency)
        except VariantError:
            return None
        most = DURATION_MS_MAX if kind == "duration" else INTEGER_MAX
        low = 0 if old >= 0 else -most
        number = self._rules.index(rule)
        label = f"{rule.id}: params.{name}"
        return Axis("param", label, kind, isinstance(old, int), old, low, most, name, frozenset((number,)))

    def _nearest(self, axis: Axis, given_up: list[str]) -> Iterator[Alternative]:
        """On each side the nearest value for each other action that one leads to."""
        line = Line(axis)
        known = {self._action}
        if axis.old is None:
            tried = self._try(axis, line.value(line.start))
            if tried not in known:
                known.add(tried)
                yield self._told(axis, line, line.start, tried)
        for direction in (1, -1):
            passed, at = set(known), line.start
            try:
                while (found := self._first(axis, line, at, direction, passed)) is not None:
                    at, action = found
                    passed.add(action)
                    yield self._told(axis, line, at, action)
            except _GaveUp:
                given_up.append(axis.name)

    def _first(
        self, axis: Axis, line: Line, start: int, direction: int, passed: AbstractSet[Action]
    ) -> tuple[int, Action] | None:
        """The first place behind `start` where the action is none of those that were passed, and that action."""
        stack = [(start + direction, line.end(direction))]
        effort = 0
        while stack:
            near, far = stack.pop()
            if (far - near) * direction < 0:
                continue
            effort += 1
            if effort > EFFORT_MAX:
                raise _GaveUp
            if near == far:
                action = self._try(axis, line.value(near))
                if action not in passed:
                    return near, action
            elif self._may_differ(axis, Interval(*sorted((line.value(near), line.value(far)))), passed):
                middle = near + abs(far - near) // 2 * direction
                stack.append((middle + direction, far))
                stack.append((near, middle))
        return None

    def _may_differ(self, axis: Axis, interval: Interval, passed: AbstractSet[Action]) -> bool:
        """Whether the action may be none of those somewhere in the interval; False is a proof."""
        ranges = Ranges(self._seen.values, self._seen.lists, self._seen.moment_ms, axis.ranging, interval)
        numbers = sorted(axis.rules)
        ways = [self._ways(self._rules[number], ranges) for number in numbers]
        if sum(len(way) > 1 for way in ways) > UNSURE_MAX:
            return True
        hits = list(self._hits)
        for together in product(*ways):
            for number, hit in zip(numbers, together, strict=True):
                hits[number] = hit
            if live_action(self._rules, hits) not in passed:
                return True
        return False

    def _ways(self, rule: Rule, ranges: Ranges) -> tuple[bool, ...]:
        """Whether the rule can hit, and whether it cannot."""
        outcomes = ranges.outcomes(rule.when.tree)
        return tuple({rule.on_missing == "match" if each is None else each for each in outcomes})

    def _try(self, axis: Axis, value: int | float) -> Action:
        """The action with another value, by the conditions that the live engine runs."""
        if isinstance(axis.ranging, Input):
            return self._with_values({axis.ranging: value})
        (number,) = axis.rules
        rule = self._rules[number]
        condition = varied(rule, {axis.ranging: _literal(rule, axis, value, self._pack.currency)}, self._pack.currency)
        return self._with_condition(number, condition)

    def _with_values(self, values: Mapping[Input, Value]) -> Action:
        return live_action(self._rules, self._own.hits(replace(self._seen, values={**self._seen.values, **values})))

    def _with_condition(self, number: int, condition: Condition) -> Action:
        hits = list(self._hits)
        (hits[number],) = Conditions((self._rules[number],), (condition,)).hits(self._seen)
        return live_action(self._rules, hits)

    def _told(self, axis: Axis, line: Line, at: int, action: Action) -> Alternative:
        new = line.value(at)
        return Alternative(
            axis.kind, axis.name, axis.old, new, action, _size(axis.old, new), self._words(axis, line, at)
        )

    def _words(self, axis: Axis, line: Line, at: int) -> str:
        """The change in words; where the last value that changes nothing is the rounder one, by that."""
        currency = self._pack.currency
        new, old = _exact(line.value(at), axis.type, currency), shown(axis.old, axis.type, currency)
        step = 1 if at > line.start else -1
        if axis.old is not None and (axis.type == "duration" or not axis.whole):
            last = _exact(line.value(at - step), axis.type, currency)
            if len(last) < len(new):
                new = f"{'more' if step > 0 else 'less'} than {last}"
        return f"{new} instead of {old}"

    # One text or truth value

    def _of_choices(self, read: Input) -> Iterator[Alternative]:
        """The first other value for each action that one leads to."""
        old = self._seen.values.get(read)
        optional = read.kind in ("field", "attribute", "profile") and not read.required
        choices: list[Value] = [True, False] if read.type == "bool" else [*self._texts(read)]
        if optional:
            choices.append(None)
        seen = {self._action}
        for new in choices:
            action = self._with_values({read: new})
            if new == old or action in seen:
                continue
            seen.add(action)
            name = PREFIXES.get(read.kind, "") + read.name
            text = (
                "no value"
                if new is None
                else f"a text such as `{new}`"
                if new == ANOTHER
                else shown(new, read.type, "")
            )
            before = "no value" if old is None else shown(old, read.type, "")
            yield Alternative(read.kind, name, old, new, action, 1.0, f"{text} instead of {before}")

    def _texts(self, read: Input) -> Iterator[str]:
        """Some other text, then all that conditions compare this one with."""
        yield ANOTHER
        found: dict[str, None] = {}
        for number, reads in enumerate(self._reads):
            if read in reads:
                for node in walk(self._rules[number].when.tree):
                    found |= dict.fromkeys(_compared_with(node, read))
        yield from found

    # One list

    def _of_lists(self) -> Iterator[Alternative]:
        """A text that a condition looks for in a list is put on it, or taken off."""
        lists, moment_ms = self._seen.lists, self._seen.moment_ms
        asked: dict[tuple[str, str], None] = {}
        for rule in self._rules:
            for node in walk(rule.when.tree):
                if isinstance(node, InList) and (text := _asked(node.operand, self._seen)) is not None:
                    asked[node.list.name, text] = None
        for name, text in asked:
            entries = lists.get(name)
            if entries is None:
                continue
            listed = entries.get(text, -1) > moment_ms
            other = {**entries, text: -1 if listed else NEVER}
            action = live_action(self._rules, self._own.hits(replace(self._seen, lists={**lists, name: other})))
            if action != self._action:
                words = f"without `{text}`" if listed else f"with `{text}` on it"
                yield Alternative("list", f"lists.{name}", listed, not listed, action, 1.0, words)


def _exact(value: int | float, kind: ValueType, currency: str) -> str:
    """A value without rounding."""
    if kind == "duration" and isinstance(value, int):
        return exact_duration(value)
    if isinstance(value, int):
        return shown(value, kind, currency)
    return f"{Decimal(repr(value)).scaleb(-EXPONENTS[currency])} {currency}" if kind == "money" else repr(value)


def _size(old: int | float | None, new: int | float) -> float:
    return 1.0 if old is None else abs(new - old) / max(abs(new), abs(old))


def _literal(rule: Rule, axis: Axis, value: int | float, currency: str) -> Literal:
    """The param with another value, of the type that the rule gives it: a bare number may stand for money."""
    param = rule.params[str(axis.ranging)]
    if axis.type == "money" and param.type == "number":
        exponent = EXPONENTS[currency]
        major = value / 10**exponent
        return Literal(int(major) if major == int(major) else major, "number")
    return Literal(value, param.type)


def _compared_with(node: Node, read: Input) -> Sequence[str]:
    """The texts that a node compares an input with."""
    match node:
        case Compare(left=one, right=other):
            texts = [each.value for each in (one, other) if isinstance(each, Literal) and isinstance(each.value, str)]
            return texts if any(_reads(each, read) for each in (one, other)) else ()
        case OneOfTexts() if _reads(node.operand, read):
            return node.options
        case Call(function="startswith" | "endswith") if _reads(node.arguments[0], read):
            return [each.value for each in node.arguments if isinstance(each, Literal) and isinstance(each.value, str)]
        case InTuples() if read in node.fields:
            place = node.fields.index(read)
            return sorted({str(each[place]) for each in node.tuples})
    return ()


def _reads(node: Node, read: Input) -> bool:
    return read in inputs_of(node)


def _asked(node: Node, seen: Seen) -> str | None:
    """The text that is looked for in a list."""
    match node:
        case Read():
            value = seen.values.get(node.input)
            return value if isinstance(value, str) else None
        case Call(function="lower", arguments=(Read() as read,)):
            value = seen.values.get(read.input)
            return value.lower() if isinstance(value, str) else None
    return None

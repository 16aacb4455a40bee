"""What an engine has to decide, one event at a time from the whole history: slow, and plain enough to be believed.

Features come from `window_oracle`, conditions from `expression_oracle`; detectors are the real ones, which have an
oracle of their own. Events are JSON objects, packs are `random_packs.PackText`.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from detectors import Scorer, open_scorer
from rules.literals import shown
from schemas import Action, Decision, Reason
from support.expression_oracle import Typed, World, outcome
from support.random_packs import ATTRIBUTES, COMMON, HUGE, MACRO, OF_TRANSACTIONS, TRANSACTION, PackText, RuleText
from support.window_oracle import Happening, feature
from windows import Aggregate

CURRENCY = "CNY"
STRENGTH: tuple[Action, ...] = ("allow", "review", "step_up", "block")
Lists = Mapping[str, Mapping[str, int] | None]


class EngineOracle:
    """Decides with one pack; `version` is what its decisions say of it."""

    def __init__(self, pack: PackText, version: str, lists: Lists) -> None:
        self.pack = pack
        self.version = version
        self.lists = lists
        self.history: list[Happening] = []
        self.scorer: Scorer | None = None
        if pack.detector is not None:
            by, of, half_life, warm_up = pack.detector
            self.scorer = open_scorer("own_baseline", by, of, {"half_life": half_life, "warm_up": warm_up})

    def decide(self, event: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bytes | None:
        """The decision as JSON; None for an event that nobody judges."""
        world = World(dict(_fields(event)), self.lists, event["timestamp"])
        world = World({**world.names, "is_card": Typed(outcome(MACRO, world), "bool")}, self.lists, event["timestamp"])
        entering = [
            number
            for number, each in enumerate(self.pack.features)
            if event["type"] in each.events and (each.where is None or outcome(each.where, world) is True)
        ]
        self.history.append(_happening(world, frozenset(entering)))
        rules = [each for each in self.pack.rules if each.mode != "off" and event["type"] in each.events]
        if event["type"] not in TRANSACTION and not self._is_judged(event["type"]):
            return None
        names = dict(world.names) | dict(self._features())
        facts, value = self._score(names)
        decision = self._judge(event, rules, World(names, self.lists, event["timestamp"]), unknown)
        if self.scorer is not None and decision.action != "block":
            if value is not None:
                self.scorer.ranks.learn(value)
            self.scorer.detector.learn_one(facts)
        return msgspec.json.encode(decision)

    def _is_judged(self, kind: str) -> bool:
        return any(kind in rule.events for rule in self.pack.rules if rule.mode != "off")

    def _features(self) -> Iterator[tuple[str, Typed]]:
        for number, each in enumerate(self.pack.features):
            aggregate = Aggregate(each.kind, each.by, each.over_ms, each.of, each.delay_ms, number)
            value: Any = feature(self.history, aggregate)
            if value is not None and each.kind in ("mean", "std"):
                value = float(value)
            if value is not None and each.kind == "is_new":
                value = bool(value)
            yield each.name, Typed(value, each.type)

    def _score(self, names: dict[str, Typed]) -> tuple[dict[str, Any], float | None]:
        if self.scorer is None:
            return {}, None
        facts = {name: names[name].value if name in names else None for name in self.scorer.detector.reads}
        value = self.scorer.detector.score_one(facts)
        names["score.own.value"] = Typed(value, "number")
        quantile = None if value is None else self.scorer.ranks.quantile(value)
        names["score.own.quantile"] = Typed(quantile, "number")
        return facts, value

    def _judge(
        self, event: Mapping[str, Any], rules: Sequence[RuleText], world: World, unknown: tuple[str, ...]
    ) -> Decision:
        hits: list[RuleText] = []
        missing = dict.fromkeys(unknown)
        degraded = bool(unknown)
        for rule in rules:
            found = outcome(rule.when, _world_of(rule, world))
            if found is None:
                missing |= dict.fromkeys(_missing_inputs(rule.when, world))
                degraded = degraded or (rule.on_missing == "degraded" and rule.mode == "live")
            if found or (found is None and rule.on_missing == "match"):
                hits.append(rule)
        live = [rule for rule in hits if rule.mode == "live"]
        actions: list[Action] = [cast(Action, rule.then) for rule in live if rule.then != "tag"]
        action = max(actions, key=STRENGTH.index, default=STRENGTH[0])
        challenges = [rule.challenge for rule in live if rule.then == "step_up" and action == "step_up"]
        origin: Literal["degraded", "scored"] = "degraded" if degraded else "scored"
        return Decision(
            transaction_id=event.get("transaction_id", event.get("event_id", "")),
            timestamp=event["timestamp"],
            action=action,
            origin=origin,
            rules=tuple(rule.id for rule in live),
            shadow=tuple(rule.id for rule in hits if rule.mode == "shadow"),
            missing=tuple(missing),
            reasons=tuple(Reason(rule.id, rule.reason, _sentence(rule, world)) for rule in live if rule.reason),
            challenge=challenges[0] if challenges and challenges[0] is not None else msgspec.UNSET,
            pack=self.version,
        )


def _fields(event: Mapping[str, Any]) -> Iterator[tuple[str, Typed]]:
    """What expressions can read of an event: its fields, and its attributes in the type their names have here."""
    for name, kind in (COMMON | OF_TRANSACTIONS | {"success": "bool"}).items():
        value = event.get(name)
        if name == "amount" and value is not None:
            value = round(value * 100) if event["currency"] == CURRENCY else None
        yield name, Typed(value, kind)
    attributes = {"tier": event.get("tier"), "vip": event.get("vip")} | event.get("attributes", {})
    for name, kind in ATTRIBUTES.items():
        value = attributes.get(name.removeprefix("attributes."))
        fitting = {"number": type(value) in (int, float), "text": type(value) is str, "bool": type(value) is bool}
        known = fitting[kind] and value not in ("", HUGE)
        yield name, Typed((float(value) if kind == "number" else value) if known else None, kind)


def _happening(world: World, entering: frozenset[int]) -> Happening:
    names = {name: each.value for name, each in world.names.items()}
    texts = {name: names[name] for name, each in world.names.items() if each.type == "text"}
    return Happening(world.timestamp_ms, texts, {name: names[name] for name in ("amount", "quantity")}, entering)


def _world_of(rule: RuleText, world: World) -> World:
    """The world with the rule's params in it."""
    params = {f"params.{name}": typed for name, typed in rule.params.items()}
    return World({**world.names, **params}, world.lists, world.timestamp_ms)


def _missing_inputs(text: str, world: World) -> list[str]:
    """Names in the order of the text, a macro's in its place, that have no value."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Name | ast.Attribute):
            name = ast.unparse(node)
            found.append((node.col_offset, "method" if name == "is_card" else name))
    return [
        name
        for _, name in sorted(found)
        if (name.startswith("lists.") and world.lists.get(name[6:]) is None)
        or (name in world.names and world.names[name].value is None)
    ]


def _sentence(rule: RuleText, world: World) -> str:
    pieces = []
    for index, piece in enumerate(rule.explain):
        typed = world.names[piece] if index % 2 else None
        pieces.append(shown(typed.value, cast(Any, typed.type), CURRENCY) if typed else piece)
    return "".join(pieces)

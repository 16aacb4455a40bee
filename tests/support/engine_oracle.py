"""What an engine has to decide, one event at a time from the whole history: slow, and plain enough to be believed.

What is late, a duplicate or a conflict comes from `admission_oracle`, features from `window_oracle`, conditions from
`expression_oracle`; detectors are the real ones, which have an oracle of their own. Packs are `pack_texts.PackText`.
"""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import msgspec
import numpy as np

from detectors import Scorer, open_scorer
from rules.literals import shown
from schemas import Action, Decision, Lapse, Reason
from support.admission_oracle import NaiveAdmission
from support.breaker_oracle import NaiveBreakers
from support.content_oracle import spans_of
from support.cuts import Incoming, Lists
from support.expression_oracle import Typed, World, outcome
from support.pack_texts import MACRO, AbsenceText, FeatureText, PackText, RuleText
from support.random_packs import (
    ATTRIBUTES,
    COMMON,
    HUGE,
    OF_TRANSACTIONS,
    PLACE,
    PROFILE,
    TRANSACTION,
)
from support.window_oracle import Happening, feature, in_vain
from windows import CONFLICT, DUPLICATE, FRESH, FUTURE, LATE, Aggregate, pack

CURRENCY = "CNY"
STRENGTH: tuple[Action, ...] = ("allow", "review", "step_up", "block")
LAPSES: dict[int, Lapse] = {LATE: "late", FUTURE: "future"}


class EngineOracle:
    """Decides with one pack; `version` is what its decisions say of it. It knows `PROFILES` if it `has_profiles`."""

    def __init__(self, pack: PackText, version: str, lists: Lists, *, has_profiles: bool = False) -> None:
        self.has_profiles = has_profiles
        self.pack = pack
        self.version = version
        self.lists = lists
        self.history: list[Happening] = []
        self.decisions: list[Decision | None] = []
        self.repeated = self.conflicting = self.unmatched = 0
        self.sequences = [rule.sequence for rule in pack.rules if rule.sequence is not None]
        self.entering = [(each.events, _guard(each)) for each in pack.features]
        self.entering += [entering for each in self.sequences for entering in (*each.steps, *each.unless)]
        self.waiting: list[tuple[int, int, str, RuleText, World, str]] = []
        self.elapsed: list[bytes] = []
        self.absences: dict[str, Aggregate] = {}
        for rule in pack.rules:
            if rule.absence is not None and rule.mode != "off":
                self.absences[rule.id] = self._enter(rule.absence)
        reach_ms = max(
            *((each.against_ms if each.kind == "rate" else each.over_ms) + each.delay_ms for each in pack.features),
            *(each.within_ms for each in self.sequences),
            *(_reach_ms(rule.absence) for rule in pack.rules if rule.absence is not None),
        )
        keep_ms = max(pack.dedupe_ms, reach_ms + pack.lateness_ms)
        self.admission = NaiveAdmission(pack.lateness_ms, pack.skew_ms, pack.dedupe_ms, keep_ms, 10**9)
        self.breakers = NaiveBreakers()
        self.numbers: dict[object, int] = {}
        self.scorer: Scorer | None = None
        if pack.detector is not None:
            by, of, half_life, warm_up = pack.detector
            self.scorer = open_scorer("own_baseline", by, of, {"half_life": half_life, "warm_up": warm_up})

    def _enter(self, absence: AbsenceText) -> Aggregate:
        """Lets what belongs to an absence enter, by filters with the numbers that it gives."""
        parts: list[tuple[int, ...]] = []
        for entering in (absence.steps, absence.unless, absence.ends):
            parts.append(tuple(range(len(self.entering), len(self.entering) + len(entering))))
            self.entering += entering
        steps, unless, ends = parts
        return Aggregate("absence", absence.by, 1, steps=steps, unless=unless, ends=ends)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many events came again, were in conflict, or changed an event that is not known."""
        return self.repeated, self.conflicting, self.unmatched

    def told(self, incoming: Incoming, unknown: tuple[str, ...] = ()) -> list[bytes]:
        """The decisions on waits that are over as the event comes, and the one on the event, if there is one."""
        self.elapsed = []
        decision = self.decide(incoming, unknown)
        return self.elapsed if decision is None else [*self.elapsed, decision]

    def decide(self, incoming: Incoming, unknown: tuple[str, ...] = ()) -> bytes | None:
        """The decision as JSON; None for an event that nobody judges, or that is in conflict with another."""
        event = json.loads(incoming.raw)
        content = self._number(tuple(sorted(map(tuple, spans_of(incoming.raw)))))
        arrival_ms = 0 if incoming.arrived_ms is None else incoming.arrived_ms
        kind, serial, clock_ms = self.admission.admit(self._key(event), content, event["timestamp"], arrival_ms)
        if kind == CONFLICT:
            self.conflicting += 1
            return None
        if kind != DUPLICATE:
            self._elapse()
        decision = self.decisions[serial] if kind == DUPLICATE else self._decide(event, kind, clock_ms, unknown)
        if kind == DUPLICATE:
            self.repeated += 1
            decision = decision and msgspec.structs.replace(decision, duplicate=True)
        else:
            self.decisions.append(decision)
            self._revalue(event)
        return None if decision is None else msgspec.json.encode(decision)

    def _number(self, thing: object) -> int:
        """One number for equal things."""
        return self.numbers.setdefault(thing, len(self.numbers))

    def _key(self, event: Mapping[str, Any]) -> int:
        """What identifies the event: transactions have names of their own, and so has each other type."""
        if event["type"] in TRANSACTION:
            return self._number(("transaction", event["transaction_id"]))
        return self._number((event["type"], event["event_id"]))

    def _decide(self, event: Mapping[str, Any], kind: int, clock_ms: int, unknown: tuple[str, ...]) -> Decision | None:
        """The decision on an event that came for the first time; one from the future is seen as of the clock."""
        now_ms = clock_ms if kind == FUTURE else event["timestamp"]
        world = World(dict(_fields(event, has_profiles=self.has_profiles)), self.lists, now_ms)
        world = World({**world.names, "is_card": Typed(outcome(MACRO, world), "bool")}, self.lists, now_ms)
        entering = [
            number
            for number, (events, where) in enumerate(self.entering)
            if kind == FRESH and event["type"] in events and (where is None or outcome(where, world) is True)
        ]
        self.history.append(_happening(world, frozenset(entering)))
        for each in self.pack.rules:
            if each.absence is None or each.mode == "off" or self.absences[each.id].steps[-1] not in entering:
                continue
            if not any(exception.covers(world) for exception in each.exceptions):
                over_ms = now_ms + each.absence.within_ms + self.pack.lateness_ms
                name = event.get("transaction_id") or event["event_id"]
                self.waiting.append((over_ms, len(self.history) - 1, each.id, each, world, name))
        rules = [each for each in self.pack.rules if each.mode != "off" and each.absence is None]
        if event["type"] not in TRANSACTION.union(*(rule.events for rule in rules)):
            return None
        names = dict(world.names) | dict(self._features())
        facts, value = self._score(names)
        rules = [each for each in rules if event["type"] in each.events]
        decision, is_blocked = self._judge(event, rules, World(names, self.lists, now_ms), unknown, LAPSES.get(kind))
        if self.scorer is not None and not is_blocked and kind == FRESH:
            if value is not None:
                self.scorer.ranks.learn(value)
            self.scorer.detector.learn_one(facts)
        return decision

    def _elapse(self) -> None:
        """Decides on waits that are over as the stream has come so far."""
        reached_ms = self.admission.clock_ms
        over = [each for each in self.waiting if reached_ms is not None and each[0] < reached_ms]
        for each in sorted(over, key=lambda each: each[:3]):
            self.waiting.remove(each)
            _, begun, _, rule, world, name = each
            absence = rule.absence
            assert absence is not None
            key = [world.names[field].value for field in absence.by]
            if None not in key and in_vain(self.history, begun, self.absences[rule.id], absence.within_ms):
                until_ms = world.timestamp_ms + absence.within_ms
                self.elapsed.append(msgspec.json.encode(self._timer(rule, world, name, until_ms)))

    def _timer(self, rule: RuleText, world: World, name: str, until_ms: int) -> Decision:
        is_live = rule.mode == "live"
        return Decision(
            transaction_id=name,
            timestamp=world.timestamp_ms,
            action=cast(Action, rule.then) if is_live and rule.then != "tag" else "allow",
            rules=(rule.id,) if is_live else (),
            shadow=() if is_live else (rule.id,),
            reasons=(Reason(rule.id, rule.reason, _sentence(rule, world)),) if is_live and rule.reason else (),
            challenge=rule.challenge or msgspec.UNSET if is_live and rule.then == "step_up" else msgspec.UNSET,
            pack=self.version,
            timer=until_ms,
        )

    def _revalue(self, event: Mapping[str, Any]) -> None:
        """Gives the transaction that a reversal or a correction means another amount, from now on."""
        if event["type"] in ("reversal", "correction"):
            serial = self.admission.find(self._number(("transaction", event["original_transaction_id"])))
            self.unmatched += serial < 0
            if serial >= 0:
                old, amount = self.history[serial], dict(_fields(event, has_profiles=False))["amount"].value
                self.history[serial] = replace(old, values={**old.values, "amount": amount})

    def _features(self) -> Iterator[tuple[str, Typed]]:
        for number, each in enumerate(self.pack.features):
            own = each.least, each.against_ms, each.share
            aggregate = Aggregate(each.kind, each.by, each.over_ms, each.of, each.delay_ms, number, *own)
            value: Any = feature(self.history, aggregate)
            if value is not None and each.kind in ("mean", "std"):
                value = float(value)
            if value is not None and each.kind == "is_new":
                value = bool(value)
            yield each.name, Typed(value, each.type)
        number = len(self.pack.features)
        for sequence in self.sequences:
            behind = number + len(sequence.steps)
            end = behind + len(sequence.unless)
            aggregate = Aggregate(
                "sequence",
                sequence.by,
                sequence.within_ms,
                steps=(*range(number, behind),),
                unless=(*range(behind, end),),
            )
            value = feature(self.history, aggregate)
            yield sequence.name, Typed(None if value is None else bool(value), "bool")
            number = end

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
        self,
        event: Mapping[str, Any],
        rules: Sequence[RuleText],
        world: World,
        unknown: tuple[str, ...],
        lapse: Lapse | None,
    ) -> tuple[Decision, bool]:
        """The decision, and whether the event would be blocked if no rule were demoted."""
        hits: list[RuleText] = []
        missing = dict.fromkeys(unknown)
        degraded = bool(unknown) or lapse is not None
        for rule in rules:
            found = outcome(rule.when, _world_of(rule, world))
            has_ended = rule.then == "allow" and world.timestamp_ms >= rule.expires_ms
            if has_ended or any(each.covers(world) for each in rule.exceptions):
                found = False
            if found is None:
                missing |= dict.fromkeys(_missing_inputs(rule.when, world))
                excepted = [name for each in rule.exceptions for name in each.fields]
                missing |= dict.fromkeys(name for name in excepted if world.names[name].value is None)
                degraded = degraded or (rule.on_missing == "degraded" and rule.mode == "live")
            if found or (found is None and rule.on_missing == "match"):
                hits.append(rule)
        if lapse == "late":
            missing["windows"] = None
        if lapse is None:
            self.breakers.count(event["timestamp"], self.admission.clock_ms, rules, hits)
        live = [rule for rule in hits if rule.mode == "live"]
        demoted = [demotion for rule in live if (demotion := self.breakers.demotion(rule)) is not None]
        overridden = [rule for rule in live if any(rule.id in other.overrides for other in live)]
        is_blocked = any(rule.then == "block" and rule not in overridden for rule in live)
        acting = [self.breakers.worn(rule) for rule in live if rule not in overridden]
        actions: list[Action] = [cast(Action, rule.then) for rule in acting if rule.then != "tag"]
        action = max(actions, key=STRENGTH.index, default=STRENGTH[0])
        challenges = [rule.challenge for rule in acting if rule.then == "step_up" and action == "step_up"]
        origin: Literal["degraded", "scored"] = "degraded" if degraded else "scored"
        decision = Decision(
            transaction_id=event.get("transaction_id") or event["event_id"],
            timestamp=event["timestamp"],
            action=action,
            origin=origin,
            rules=tuple(rule.id for rule in live),
            shadow=tuple(rule.id for rule in hits if rule.mode == "shadow"),
            missing=tuple(missing),
            reasons=tuple(Reason(rule.id, rule.reason, _sentence(rule, world)) for rule in live if rule.reason),
            overridden=tuple(rule.id for rule in overridden) or msgspec.UNSET,
            demoted=tuple(demoted) or msgspec.UNSET,
            challenge=challenges[0] if challenges and challenges[0] is not None else msgspec.UNSET,
            degraded=msgspec.UNSET if lapse is None else lapse,
            pack=self.version,
        )
        return decision, is_blocked


def _reach_ms(absence: AbsenceText) -> int:
    """How far back the log is looked at when a wait is over, from its end on."""
    return absence.within_ms + 1 if len(absence.steps) == 1 else 2 * absence.within_ms + 1


def _guard(feature: FeatureText) -> str | None:
    """What an event must pass to enter."""
    if feature.of != "geo":
        return feature.where
    return " and ".join([*(f"has({name})" for name in PLACE), *([f"({feature.where})"] if feature.where else [])])


def _fields(event: Mapping[str, Any], *, has_profiles: bool) -> Iterator[tuple[str, Typed]]:
    """What expressions can read of an event: its fields, its attributes and what `PROFILES` says of its user, in the
    type that their names have here.
    """
    for name, kind in (COMMON | OF_TRANSACTIONS | {"success": "bool"}).items():
        value = event.get(name)
        if name == "amount" and value is not None:
            value = round(value * 100) if event["currency"] == CURRENCY else None
        if name in PLACE and value is not None:
            value = float(value)
        yield name, Typed(value, kind)
    attributes = {"tier": event.get("tier"), "vip": event.get("vip")} | event.get("attributes", {})
    for name, kind in ATTRIBUTES.items():
        value = attributes.get(name.removeprefix("attributes."))
        fitting = {"number": type(value) in (int, float), "text": type(value) is str, "bool": type(value) is bool}
        known = fitting[kind] and value not in ("", HUGE)
        yield name, Typed((float(value) if kind == "number" else value) if known else None, kind)
    facts: dict[str, dict[str, Any]] = {
        "u1": {"profile.grade": 2.0, "profile.tier": "gold", "profile.vip": True},
        "u2": {"profile.grade": -0.5, "profile.vip": False},
        "u3": {"profile.tier": "3"},
    }
    for name, kind in PROFILE.items():
        yield name, Typed(facts.get(event["user_id"], {}).get(name) if has_profiles else None, kind)


def _happening(world: World, entering: frozenset[int]) -> Happening:
    names = {name: each.value for name, each in world.names.items()}
    texts = {name: names[name] for name, each in world.names.items() if each.type == "text"}
    values: dict[str, Any] = {name: names[name] for name in ("amount", "quantity")}
    if None not in (names[name] for name in PLACE):
        (values["geo"],) = pack(*(np.array([names[name]], dtype=np.float64) for name in PLACE)).tolist()
    return Happening(world.timestamp_ms, texts, {"geo": None} | values, entering)


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

"""What the files of a pack define together: features, macros, lists, detectors and rules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rules.bounds import (
    DETECTORS_MAX,
    EXPRESSION_DEPTH_MAX,
    FEATURES_MAX,
    FILTERS_MAX,
    LISTS_BYTES_MAX,
    LISTS_MAX,
    MACROS_MAX,
    RULES_MAX,
)
from rules.checks import check_conditions, check_currencies
from rules.detector_specs import read_detector
from rules.expressions import check_macro
from rules.features import Draft, finish_feature, read_feature
from rules.fields import FIELDS
from rules.findings import Code, quoted
from rules.headers import Defaults
from rules.lists import read_list
from rules.memory import check_memory
from rules.models import DetectorSpec, Feature, ListSpec, Rule
from rules.overlays import Overlay
from rules.resolution import NAMESPACES
from rules.rule_reader import RuleReader
from rules.scopes import Kind, Macro, Scope, Vocabulary
from rules.sequences import StepCondition
from rules.shapes import Shapes
from rules.sources import Spot
from rules.trees import Scalar, Table, Tree

Entry = tuple[Scalar, Tree]

_RESERVED = frozenset(
    (
        *NAMESPACES,
        *("timestamp", "metadata", "true", "false"),
        *("and", "or", "not", "in", "is", "if", "else", "for", "lambda", "await", "async", "yield", "from", "import"),
        *(
            "as",
            "assert",
            "break",
            "class",
            "continue",
            "def",
            "del",
            "elif",
            "except",
            "finally",
            "global",
            "nonlocal",
        ),
        *("pass", "raise", "return", "try", "while", "with"),
        *("abs", "endswith", "has", "len", "lower", "max", "min", "round", "startswith"),
    )
)
_UNUSED: dict[Kind, Code] = {
    "feature": "unused-feature",
    "macro": "unused-macro",
    "list": "unused-list",
    "detector": "unused-detector",
}


class Definitions:
    """Collects the definitions of all files, so that any of them can use those of another."""

    def __init__(
        self,
        path: Path,
        currency: str,
        rated: frozenset[str],
        defaults: Defaults,
        shapes: Shapes,
        list_files: dict[str, bytes],
        overlay: Overlay,
    ) -> None:
        self.path = path
        self.defaults = defaults
        self.shapes = shapes
        self.ledger = shapes.ledger
        self.list_files = list_files
        self.overlay = overlay
        self.vocabulary = Vocabulary(currency, rated)
        self.lists: dict[str, ListSpec] = {}
        self.detectors: dict[str, DetectorSpec] = {}
        self._keys: dict[tuple[Kind, str], Scalar] = {}
        self._macro_texts: dict[str, Scalar] = {}
        self._macros: dict[str, Macro | None] = {}
        self._open_macros: list[str] = []
        self._written: list[tuple[Rule, Table]] = []
        self._wheres: dict[str, Scalar] = {}
        self._steps: Sequence[StepCondition] = ()
        self._uses: dict[tuple[Kind, str], set[tuple[Kind, str]]] = {}

    def read(self, tables: Sequence[Table]) -> None:
        listed = 0
        for key, node in self._entries(tables, "lists", "list", LISTS_MAX):
            spec = None
            if listed <= LISTS_BYTES_MAX:
                spec = read_list(key.value, node, self.path, self.shapes, self.list_files)
                listed += 0 if spec is None else len(self.list_files[spec.file])
                self.shapes.count(listed, LISTS_BYTES_MAX, "bytes in all lists together", key.spot)
            self._define("list", key.value, spec is not None)
            if spec is not None:
                self.lists[key.value] = spec
                self.vocabulary.lists.add(key.value)
        for key, node in self._entries(tables, "detectors", "detector", DETECTORS_MAX):
            detector = read_detector(key.value, node, self.defaults.events, self.shapes)
            self._define("detector", key.value, detector is not None)
            if detector is not None:
                self.detectors[key.value] = detector
                self.vocabulary.detectors.add(key.value)
        drafts = self._read_features(tables)
        for key, node in self._entries(tables, "macros", "macro", MACROS_MAX):
            scalar = self.shapes.scalar(node, "an expression for the macro")
            self._define("macro", key.value, scalar is not None)
            self.vocabulary.macros.add(key.value)
            if scalar is not None:
                self._macro_texts[key.value] = scalar
        self._check_clashes()
        for name in self._macro_texts:
            self.macro(name)
        self._finish_features(drafts)
        steps = self._read_rules(tables)
        self._check_sizes(tables)
        if not self.ledger.has_errors:
            self._check_unused()
        self._steps = steps
        self._wheres = {name: draft.where for name, draft in drafts.items() if draft.where is not None}
        if not self.ledger.has_errors:
            check_currencies(self.vocabulary, self._wheres, self.ledger)

    def prove(self) -> None:
        """Reports what is proven of the conditions that were read, all of which are sound."""
        check_conditions(self.vocabulary, self._wheres, self._steps, self._written, self.ledger)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the pack's order."""
        return tuple(rule for rule, _ in self._written)

    def macro(self, name: str) -> Macro | None:
        """The macro of this name, checked when first asked for; None after findings."""
        if name in self._macros:
            return self._macros[name]
        scalar = self._macro_texts.get(name)
        if scalar is None:
            return None
        if name in self._open_macros:
            chain = " -> ".join([*self._open_macros[self._open_macros.index(name) :], name])
            self.ledger.report("macro-cycle", scalar.spot, f"the macro `{name}` uses itself: {chain}")
            self._macros[name] = None
            return None
        if len(self._open_macros) >= EXPRESSION_DEPTH_MAX:
            message = f"expected at most {EXPRESSION_DEPTH_MAX} macros inside each other"
            self.ledger.report("too-large", scalar.spot, message)
            return None
        self._open_macros.append(name)
        rule, self.ledger.rule = self.ledger.rule, None
        scope = Scope("a macro", self.vocabulary, None, None, self.macro)
        with self._uses_of("macro", name):
            checked = check_macro(name, scalar, scope, self.ledger)
        self.ledger.rule = rule
        self._open_macros.pop()
        return self._macros.setdefault(name, checked)

    @contextmanager
    def _uses_of(self, kind: Kind, name: str) -> Iterator[None]:
        """Keeps apart what a definition uses: it counts only where somebody uses the definition."""
        used, self.vocabulary.used = self.vocabulary.used, set()
        yield
        self._uses[kind, name], self.vocabulary.used = self.vocabulary.used, used

    def _entries(self, tables: Sequence[Table], section: str, kind: Kind, most: int) -> Iterator[Entry]:
        """The named entries of one section in all files."""
        count = 0
        for table in tables:
            node = table.get(section)
            entries = None if node is None else self.shapes.table(node, f"`{section}`")
            for key, value in () if entries is None else entries.entries:
                count += 1
                if not self.shapes.name(key, f"a name for a {kind}"):
                    continue
                first = self._keys.setdefault((kind, key.value), key)
                if first is key:
                    yield key, value
                else:
                    place = f"{first.source.name}:{first.source.position(first.start)[0]}"
                    message = f"the {kind} {quoted(key.value)} is defined twice"
                    self.ledger.report("duplicate-key", key.spot, message, f"first defined at {place}")
            if entries is not None:
                self.shapes.count(count, most, f"{kind}s in a pack", entries.spot)

    def _define(self, kind: Kind, name: str, is_sound: bool) -> None:
        if not is_sound:
            self.vocabulary.broken.add((kind, name))

    def _read_features(self, tables: Sequence[Table]) -> dict[str, Draft]:
        drafts: dict[str, Draft] = {}
        for key, node in self._entries(tables, "features", "feature", FEATURES_MAX):
            draft = read_feature(key.value, node, self.defaults.events, self.shapes)
            self._define("feature", key.value, draft is not None)
            if draft is not None:
                drafts[key.value] = draft
                self.vocabulary.features[key.value] = draft.feature
        return drafts

    def _finish_features(self, drafts: dict[str, Draft]) -> None:
        for name, draft in drafts.items():
            scope = Scope("`where`", self.vocabulary, draft.feature.events, None, self.macro)
            with self._uses_of("feature", name):
                feature = finish_feature(draft, scope, self.ledger)
            if feature is not None:
                self.vocabulary.features[name] = feature

    @property
    def features(self) -> dict[str, Feature]:
        """All features: those with a name of their own, and those of the rules' sequences."""
        hidden = map(_hidden, self.rules)
        return self.vocabulary.features | {feature.name: feature for feature in hidden if feature is not None}

    def _check_sizes(self, tables: Sequence[Table]) -> None:
        """Bounds of features and sequences together."""
        features, spots = self.features, self._spots()
        spot = next(iter(spots.values()), tables[0].spot)
        if len(features) > len(self.vocabulary.features):
            self.shapes.count(len(features), FEATURES_MAX, "features and sequences in a pack", spot)
        filters = {each.key for feature in features.values() for each in feature.filters}
        if len(filters) > FILTERS_MAX:
            message = f"expected at most {FILTERS_MAX} different pairs of `where` and `event` among the features"
            message += " and steps" if len(features) > len(self.vocabulary.features) else ""
            self.ledger.report("too-many-filters", spot, f"{message}, got {len(filters)}")
        check_memory(features, spots, self.ledger)

    def _spots(self) -> dict[str, Spot]:
        """Where features are written, by name; that of a sequence is its rule's id."""
        spots = {name: key.spot for (kind, name), key in self._keys.items() if kind == "feature"}
        for rule, table in self._written:
            feature, named = _hidden(rule), table.get("id")
            if feature is not None and named is not None:
                spots[feature.name] = named.spot
        return spots

    def _check_clashes(self) -> None:
        """A name that stands alone in expressions means one thing."""
        for (kind, name), key in self._keys.items():
            if kind not in ("feature", "macro"):
                continue
            other = None
            if name in FIELDS:
                other = "a field of events"
            elif name in _RESERVED:
                other = "a word of the language"
            elif kind == "macro" and ("feature", name) in self._keys:
                other = "a feature"
            if other:
                self.ledger.report("name-clash", key.spot, f"the {kind} `{name}` has the name of {other}")

    def _read_rules(self, tables: Sequence[Table]) -> Sequence[StepCondition]:
        """Reads the rules, and answers with the conditions of their sequences' steps."""
        reader = RuleReader(self.shapes, self.vocabulary, self.defaults, self.macro, self.overlay)
        for table in tables:
            node = table.get("rules")
            items = () if node is None else self.shapes.items(node, "rules", RULES_MAX)
            for item in items:
                rule = reader.read(item)
                if rule is not None and isinstance(item, Table):
                    self._written.append((rule, item))
            if node is not None and len(items) <= RULES_MAX:
                self.shapes.count(len(self._written), RULES_MAX, "rules in a pack", node.spot)
        reader.overrides.check()
        self.overlay.check(set(reader.lines))
        return reader.sequences.conditions

    def _check_unused(self) -> None:
        used = set(self.vocabulary.used)
        reached = list(used)
        while reached:
            found = self._uses.get(reached.pop(), set()) - used
            used |= found
            reached += found
        for (kind, name), key in self._keys.items():
            if (kind, name) not in used:
                message = f"the {kind} {quoted(name)} is used by no rule"
                self.ledger.report(_UNUSED[kind], key.spot, message, "use it or delete it")


def _hidden(rule: Rule) -> Feature | None:
    """The feature that a rule's sequence has."""
    return rule.absence.feature if rule.absence else rule.sequence

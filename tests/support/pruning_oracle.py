"""What is lost when rules go, counted event by event from whole evaluations of packs with these rules off."""

from collections.abc import Collection
from dataclasses import replace

from rules import Pack
from workbench.evaluation import evaluate
from workbench.measurement import View
from workbench.pruning import Loss


def without(pack: Pack, gone: Collection[str]) -> Pack:
    """The pack with rules off."""
    return replace(pack, rules=tuple(replace(r, mode="off") if r.id in gone else r for r in pack.rules))


def loss(view: View, before: Collection[str], after: Collection[str]) -> Loss:
    """What is decided otherwise when the rules `after` are gone than when those `before` are."""
    pack, figures = view.evaluation.pack, dict.fromkeys(Loss.__struct_fields__, 0)
    one, two = (evaluate(without(pack, gone), view.table).actions.tolist() for gone in (before, after))
    rows = zip(one, two, view.truth.fraud.tolist(), view.truth.good.tolist(), view.amount_minor.tolist(), strict=True)
    for old, new, fraud, good, minor in rows:
        if new != old and not fraud and not good:
            figures["unknown"] += 1
        elif new != old:
            name = f"{'fraud' if fraud else 'good'}_{'freed' if new < old else 'stopped'}"
            figures[name] += 1
            figures[f"{name}_minor"] += minor
    return Loss(**figures)

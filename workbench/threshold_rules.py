"""Rules from thresholds: texts to paste into a pack, which load."""

import re
from itertools import chain, count

from rules import Pack
from rules.literals import written
from rules.syntax import CARRIED
from workbench.evaluation import title_of
from workbench.missed import Threshold
from workbench.skeletons import reason_of


def threshold_rule(pack: Pack, threshold: Threshold) -> str:
    """A rule with the threshold as an item of `rules:`, without tests, in shadow mode."""
    name, value = title_of(threshold.read), threshold.value
    taken = {each.id for each in pack.rules}
    stem = "suggested." + re.sub(r"[^a-z0-9_]+", "_", name.lower())
    rule = next(each for each in chain([stem], (f"{stem}_{number}" for number in count(2))) if each not in taken)
    lines = [
        f"- id: {rule}  # choose a name of your own: it never changes",
        f"  title: '{threshold.text(pack.currency)}'",
        f"  event: [{', '.join(threshold.events)}]",
        f"  when: {threshold.condition}",
        "  then: review",
        "  mode: shadow",
        f"  reason: {reason_of(rule)}",
    ]
    if value is not None:
        limit = "least" if threshold.upward else "most"
        lines.append(f"  params: {{{limit}: {written(value, pack.currency)}}}")
        if threshold.read.kind not in CARRIED:
            lines.append(f'  explain: "{name} is {{{name}}}, limit {{params.{limit}}}"')
    return "\n".join([*lines, "  # tests: one that must match and one that must not, before it is live", ""])

"""The counts of a run and their summary."""

from collections import Counter

from schemas import ACTIONS


class Tally:
    """Counts what arrived and what became of it."""

    def __init__(self) -> None:
        self.events = 0
        self.actions: Counter[str] = Counter()
        self.dead_letters: Counter[str] = Counter()
        self.duplicates = 0
        self.unmatched = 0
        self.forgotten_early = 0
        self.judged_without_store = 0
        self.unrecorded = 0

    def summary(self, duration_s: float) -> str:
        """One line a fact; what did not happen is left out, apart from the actions."""
        rate = self.events / duration_s if duration_s > 0 else 0.0
        decisions = sum(self.actions.values())
        lines = [
            f"events        {self.events:>12,}   in {duration_s:,.1f} s, {rate:,.0f} a second",
            f"decisions     {decisions:>12,}   {_listing({action: self.actions[action] for action in ACTIONS})}",
        ]
        if self.duplicates:
            lines.append(f"duplicates    {self.duplicates:>12,}   answered as recorded, not counted again")
        if self.unmatched:
            lines.append(
                f"unmatched     {self.unmatched:>12,}   reversals and corrections of transactions not known here"
            )
        if self.forgotten_early:
            lines.append(f"forgotten     {self.forgotten_early:>12,}   ids before their time; repetitions count")
        if self.dead_letters:
            count = sum(self.dead_letters.values())
            lines.append(f"dead letters  {count:>12,}   {_listing(dict(self.dead_letters.most_common()))}")
        if self.judged_without_store:
            lines.append(f"store away    {self.judged_without_store:>12,}   events were judged without it")
        if self.unrecorded:
            lines.append(f"not recorded  {self.unrecorded:>12,}   the store was away for too long to remember them")
        return "\n".join(lines)


def _listing(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())

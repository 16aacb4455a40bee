"""The counts of a run and their summary."""

from collections import Counter

import msgspec

from schemas import ACTIONS


class Tally(msgspec.Struct):
    """Counts what arrived and what became of it."""

    events: int = 0
    actions: Counter[str] = msgspec.field(default_factory=Counter)
    dead_letters: Counter[str] = msgspec.field(default_factory=Counter)
    duplicates: int = 0
    unmatched: int = 0
    forgotten_early: int = 0
    judged_without_store: int = 0
    unrecorded: int = 0
    packs_taken: int = 0
    packs_refused: int = 0
    demoted: int = 0

    def add(self, other: "Tally") -> None:
        """Counts what another worker counted; what was forgotten, and packs that were taken, are those of all alike."""
        self.events += other.events
        self.actions.update(other.actions)
        self.dead_letters.update(other.dead_letters)
        self.duplicates += other.duplicates
        self.unmatched += other.unmatched
        self.forgotten_early = max(self.forgotten_early, other.forgotten_early)
        self.judged_without_store += other.judged_without_store
        self.unrecorded += other.unrecorded
        self.packs_taken = max(self.packs_taken, other.packs_taken)
        self.packs_refused += other.packs_refused
        self.demoted += other.demoted

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
        if self.packs_taken:
            lines.append(f"packs taken   {self.packs_taken:>12,}   changes of the pack that came into force")
        if self.packs_refused:
            lines.append(f"packs refused {self.packs_refused:>12,}   changes of the pack that did not; see above")
        if self.demoted:
            lines.append(f"demoted       {self.demoted:>12,}   times a rule matched far too often; see above")
        return "\n".join(lines)


def _listing(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())

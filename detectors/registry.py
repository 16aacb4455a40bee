"""The detectors a pack can name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from detectors.contract import Detector, Facts
from detectors.own_baseline import Z_MAX, OwnBaseline
from detectors.ranks import ScoreRanks

KINDS = ("own_baseline",)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A detector with the ranks of its scores."""

    detector: Detector
    ranks: ScoreRanks

    def learn(self, score: float | None, seen: Facts) -> None:
        """Takes an event, scored before, for normal."""
        if score is not None:
            self.ranks.learn(score)
        self.detector.learn_one(seen)

    def state(self) -> bytes:
        """All that was learnt."""
        return msgspec.msgpack.encode((self.detector.state(), self.ranks.state()))

    def adopt(self, states: Sequence[bytes]) -> None:
        """Takes over what was learnt in one place or in several. Raises msgspec.MsgspecError."""
        decoded = [msgspec.msgpack.decode(state, type=tuple[bytes, bytes]) for state in states]
        self.detector.adopt([detector for detector, _ in decoded])
        self.ranks.adopt([ranks for _, ranks in decoded])


def open_scorer(kind: str, by: str, of: str, options: Mapping[str, int]) -> Scorer:
    """The detector of `kind`, one of KINDS, for the key field `by` and the value field `of`. Raises ValueError."""
    if kind != "own_baseline":
        raise ValueError(f"expected a detector kind ({', '.join(KINDS)}), got `{kind}`")
    return Scorer(OwnBaseline(by, of, **options), ScoreRanks(-Z_MAX, Z_MAX))

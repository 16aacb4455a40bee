"""The detectors a pack can name."""

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.contract import Detector
from detectors.own_baseline import Z_MAX, OwnBaseline
from detectors.ranks import ScoreRanks

KINDS = ("own_baseline",)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A detector with the ranks of its scores."""

    detector: Detector
    ranks: ScoreRanks


def open_scorer(kind: str, by: str, of: str, options: Mapping[str, int]) -> Scorer:
    """The detector of `kind`, one of KINDS, for the key field `by` and the value field `of`. Raises ValueError."""
    if kind != "own_baseline":
        raise ValueError(f"expected a detector kind ({', '.join(KINDS)}), got `{kind}`")
    return Scorer(OwnBaseline(by, of, **options), ScoreRanks(-Z_MAX, Z_MAX))

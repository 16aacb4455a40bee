"""Online detectors: one file each, river's contract, one registry."""

from detectors.contract import Detector, Facts
from detectors.own_baseline import OwnBaseline
from detectors.ranks import ScoreRanks
from detectors.registry import KINDS, Scorer, open_scorer

__all__ = ["KINDS", "Detector", "Facts", "OwnBaseline", "ScoreRanks", "Scorer", "open_scorer"]

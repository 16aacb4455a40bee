"""A scorer of every kind that a pack can name, and streams for them."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from detectors import Detector, Scorer, open_scorer

OPTIONS: Mapping[str, Mapping[str, int]] = {"own_baseline": {"half_life": 20, "warm_up": 5}}
"""Options of each kind for its checks; a kind without any fails them all."""


def fresh(kind: str) -> Scorer:
    return open_scorer(kind, "user_id", "amount", OPTIONS[kind])


def facts(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    draw = random.Random(seed)
    for _ in range(count):
        yield {"user_id": f"u{draw.randrange(4)}", "amount": int(draw.lognormvariate(7, 1))}


def scores_of(detector: Detector, stream: Iterator[dict[str, Any]]) -> list[float | None]:
    """River's idiom: each event is scored, then learnt."""
    scores = []
    for x in stream:
        scores.append(detector.score_one(x))
        detector.learn_one(x)
    return scores

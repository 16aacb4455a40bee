"""Measurements of a pack that is changed while a stream is decided, inside one process.

`python -m benchmarks.reload FILE` decides the lines of FILE, which are those of workload W, in small batches by a pack
of 200 rules, and changes that pack again and again. It prints as JSON, in milliseconds: how long a change took from the
look that saw it until it was in force, and of that reading, in CPU; the longest pause that the change itself was
between two batches, by the clock and in CPU; the longest time that a batch took while a pack was read, and that one of
as many batches took while none was.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NamedTuple

import rules
from engine import Engine
from flows import FolderSource, PackWatch, Tally
from rules import Pack
from schemas.batches import decode

KEYS = ("user_id", "device_id", "payee_id", "ip")
HEAD = "schema: 1\npack: many\nowner: benchmarks\ncurrency: CNY\ndefaults: {event: payment, mode: live}\nfeatures:\n"


class Course(NamedTuple):
    """So many changes of so many rules, with so many batches of so many events between two of them."""

    rules: int = 200
    changes: int = 10
    between: int = 400
    batch: int = 64


class Change(NamedTuple):
    """What one change took, in seconds."""

    force: float
    read_cpu: float
    pause: float
    pause_cpu: float
    batch: float
    alone: float


def write_pack(folder: Path, count: int, turn: int, windows: bool) -> None:
    """So many rules over 20 features; each turn has other thresholds, and where `windows` is set other windows."""
    spans = [10 * (number + 1) + (turn if windows else 0) for number in range(20)]
    features = "".join(
        f"  f{number}: {{count: event, by: {KEYS[number % len(KEYS)]}, over: {span}m}}\n"
        for number, span in enumerate(spans)
    )
    parts = [
        f"- id: m.r{number}\n  when: f{number % 20} > params.n and amount >= params.m and method == 'card'\n"
        f"  params: {{n: {number + turn}, m: {number}.00}}\n  then: review\n  reason: R{number}\n"
        f'  explain: "{{f{number % 20}}} in a while, limit {{params.n}}"\n'
        for number in range(count)
    ]
    (folder / "pack.yml").write_text(f"{HEAD}{features}rules:\n{''.join(parts)}")


def loaded(folder: Path) -> Pack:
    pack = rules.load(folder, proofs=False).pack
    if pack is None:
        raise SystemExit(f"the pack in `{folder}` has errors")
    return pack


class Stream:
    """Decides batch after batch, and changes its pack."""

    def __init__(self, folder: Path, lines: Iterator[bytes], course: Course) -> None:
        self._folder = folder
        self._lines = lines
        self._course = course
        self._tally = Tally()
        self.engine = Engine(loaded(folder))
        source = FolderSource(folder, None)
        marks = source.marks()
        self._watch = PackWatch(source, marks, self.engine, lambda _: None, lambda _: None, lambda _: None, self._tally)

    def step(self) -> float:
        """Seconds for one batch."""
        raws = list(islice(self._lines, self._course.batch))
        if len(raws) < self._course.batch:
            raise SystemExit("expected more lines")
        started_s = time.perf_counter()
        self.engine.decide(decode(raws), {})
        took_s = time.perf_counter() - started_s
        self._tally.events += len(raws)
        return took_s

    def change(self, turn: int, windows: bool) -> Change:
        """Changes the pack while the stream goes on, as fast as it can."""
        alone = [self.step() for _ in range(self._course.between)]
        write_pack(self._folder, self._course.rules, turn, windows)
        self._watch.look()
        version, started_s, read_cpu_s = self.engine.pack.version, time.perf_counter(), 0.0

        def read() -> None:
            nonlocal read_cpu_s
            begun_s = time.thread_time()
            self._watch.look()
            read_cpu_s = time.thread_time() - begun_s

        reader = Thread(target=read)
        reader.start()
        batches, pauses, spent = [], [], []
        while self.engine.pack.version == version:
            batches.append(self.step())
            before_s, before_cpu_s = time.perf_counter(), time.thread_time()
            self._watch.apply()
            pauses.append(time.perf_counter() - before_s)
            spent.append(time.thread_time() - before_cpu_s)
        force_s = time.perf_counter() - started_s
        reader.join()
        return Change(force_s, read_cpu_s, max(pauses), max(spent), max(batches), max(alone[: len(batches)]))


def measure(file: Path, windows: bool, course: Course) -> dict[str, float]:
    """The figures over all changes in milliseconds, the median and the most; `held` counts events at the end."""
    with TemporaryDirectory() as name, file.open("rb") as lines:
        folder = Path(name)
        write_pack(folder, course.rules, 0, windows)
        stream = Stream(folder, iter(lines), course)
        changes = [stream.change(turn, windows) for turn in range(1, course.changes + 1)]
        held, _ = stream.engine.held
    figures: dict[str, float] = {"held": held}
    for key, values in zip(Change._fields, zip(*changes, strict=True), strict=True):
        figures |= {f"{key}_ms": 1_000 * median(values), f"{key}_most_ms": 1_000 * max(values)}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reload", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--windows", action="store_true", help="change the windows of all features as well")
    for key, value in Course()._asdict().items():
        parser.add_argument(f"--{key}", type=int, default=value)
    chosen = vars(parser.parse_args())
    course = Course(*(chosen[key] for key in Course._fields))
    print(json.dumps(measure(chosen["file"], chosen["windows"], course)))


if __name__ == "__main__":
    main()

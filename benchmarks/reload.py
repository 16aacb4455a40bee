"""Measurements of a pack that is changed while a stream is decided, inside one process.

`python -m benchmarks.reload FILE` decides the lines of FILE, which are those of workload W, in small batches by a pack
of 200 rules, and changes that pack again and again. It prints as JSON, in milliseconds: how long a change took from the
look that saw it until it was in force; how long reading took, by the clock and in CPU; the longest pause that the
change itself was, by the clock and in CPU; the longest time that a batch took while a pack was read, and that one of
as many batches took while none was.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import rules
from engine import Engine
from flows import FolderSource, PackWatch, Tally
from rules import Pack
from schemas.batches import decode

RULES = 200
BATCH = 64
CHANGES = 10
BETWEEN = 400
"""So many batches between two changes."""

HEAD = "schema: 1\npack: many\nowner: benchmarks\ncurrency: CNY\ndefaults: {event: payment, mode: live}\nfeatures:\n"
KEYS = ("user_id", "device_id", "payee_id", "ip")


def write_pack(folder: Path, turn: int, windows: bool) -> None:
    """200 rules over 20 features; each turn has other thresholds, and where `windows` is set other windows."""
    spans = [10 * (number + 1) + (turn if windows else 0) for number in range(20)]
    features = "".join(
        f"  f{number}: {{count: event, by: {KEYS[number % len(KEYS)]}, over: {span}m}}\n"
        for number, span in enumerate(spans)
    )
    parts = [
        f"- id: m.r{number}\n  when: f{number % 20} > params.n and amount >= params.m and method == 'card'\n"
        f"  params: {{n: {number + turn}, m: {number}.00}}\n  then: review\n  reason: R{number}\n"
        f'  explain: "{{f{number % 20}}} in a while, limit {{params.n}}"\n'
        for number in range(RULES)
    ]
    (folder / "pack.yml").write_text(f"{HEAD}{features}rules:\n{''.join(parts)}")


def loaded(folder: Path) -> Pack:
    pack = rules.load(folder).pack
    if pack is None:
        raise SystemExit(f"the pack in `{folder}` has errors")
    return pack


class Stream:
    """Decides batch after batch, and notes how long each took."""

    def __init__(self, engine: Engine, lines: Iterator[bytes]) -> None:
        self._engine = engine
        self._lines = lines

    def step(self) -> float:
        """Seconds for one batch."""
        raws = [line for line, _ in zip(self._lines, range(BATCH), strict=False)]
        if len(raws) < BATCH:
            raise SystemExit("expected more lines")
        started_s = time.perf_counter()
        self._engine.decide(decode(raws), {})
        return time.perf_counter() - started_s


def measure(file: Path, windows: bool) -> dict[str, object]:
    """The figures over all changes, the longest of each kind and the median."""
    with TemporaryDirectory() as name, file.open("rb") as lines:
        folder = Path(name)
        write_pack(folder, 0, windows)
        source = FolderSource(folder, None)
        marks = source.marks()
        engine = Engine(loaded(folder))
        stream = Stream(engine, iter(lines))
        watch = PackWatch(source, marks, engine, lambda _: None, lambda _: None, lambda _: None, tally := Tally())
        for _ in range(BETWEEN):
            stream.step()
        found: dict[str, list[float]] = {
            key: [] for key in ("force", "read", "read_cpu", "apply", "apply_cpu", "batch", "batch_alone")
        }
        for turn in range(1, CHANGES + 1):
            alone = [stream.step() for _ in range(BETWEEN)]
            write_pack(folder, turn, windows)
            watch.look()
            version, started_s, read_s = engine.pack.version, time.perf_counter(), 0.0
            cpu_s: list[float] = []

            def read(spent_s: list[float] = cpu_s) -> None:
                begun_s = time.thread_time()
                watch.look()
                spent_s.append(time.thread_time() - begun_s)

            reader = Thread(target=read)
            reader.start()
            batches, pauses, spent = [], [], []
            for at in count():
                batches.append(stream.step())
                tally.events += BATCH
                if not read_s and not reader.is_alive():
                    read_s = time.perf_counter() - started_s
                before_s, before_cpu_s = time.perf_counter(), time.thread_time()
                watch.apply()
                pauses.append(time.perf_counter() - before_s)
                spent.append(time.thread_time() - before_cpu_s)
                if engine.pack.version != version:
                    break
                if at > 1_000_000:
                    raise SystemExit("the pack was not changed")
            for key, value in (
                ("force", time.perf_counter() - started_s),
                ("read", read_s or time.perf_counter() - started_s),
                ("read_cpu", cpu_s[0]),
                ("apply", max(pauses)),
                ("apply_cpu", max(spent)),
                ("batch", max(batches)),
                ("batch_alone", max(alone[: len(batches)])),
            ):
                found[key].append(1_000 * value)
        held, _ = engine.held
    told = {
        key: {"median_ms": round(sorted(values)[len(values) // 2], 2), "max_ms": round(max(values), 2)}
        for key, values in found.items()
    }
    return {"rules": RULES, "batch": BATCH, "changes": CHANGES, "new_windows": windows, "held": held, **told}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--windows", action="store_true", help="change the windows of all features as well")
    arguments = parser.parse_args()
    json.dump(measure(arguments.file, arguments.windows), sys.stdout, indent=1)
    print()

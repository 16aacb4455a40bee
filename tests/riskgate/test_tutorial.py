"""docs/tutorial.md is walked as it stands: its files are written and its commands run, in order, in an empty folder.

Where the Handbook's data is, what is printed is what the page shows. On a small file of the same columns, which is
made anywhere, all commands work, and what they print begins alike.
"""

import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from support.packs import load_pack
from support.services import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
HANDBOOK = Path(os.environ.get("HANDBOOK", ROOT.parent / "shared" / "data" / "handbook.parquet"))
TIMEOUT_S = 300
"""The first run of all compiles the kernels."""

_BLOCK = re.compile(r"^(?:`(?P<file>[\w./-]+)`:\n\n```yaml|```console)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*\n)", re.MULTILINE)
_NUMBER = r"\d[\d,.]*"


class Step(NamedTuple):
    """A command and what the page shows of its output; or, without a command, the text of a file."""

    command: str
    shown: str
    file: str


def steps() -> Iterator[Step]:
    for block in _BLOCK.finditer(PAGE):
        if block["file"]:
            yield Step("", block["text"], block["file"])
            continue
        _, *parts = _COMMAND.split(block["text"])
        for command, shown in zip(parts[::2], parts[1::2], strict=True):
            yield Step(command.rstrip("\n"), shown, "")


def pattern_of(shown: str) -> str:
    """What the real output must match: times on the clock vary, a line of dots stands for any lines."""
    pattern = re.sub(r"^\\\.\\\.\\\.\\\n", "(?:.*\n)*", re.escape(shown), flags=re.MULTILINE)
    pattern = re.sub(r"\d+\\\.\d\\ s\b", r"[\\d,.]+ s", pattern)
    return re.sub(r"[\d\\-]{12,}\\ \d\d:\d\d:\d\dZ", r"[\\d-]{10} [\\d:]{8}Z", pattern)


def first_line_of(shown: str) -> str:
    """What the first line must match on other data: words and their order, not numbers and versions."""
    line = re.sub(r"\b[0-9a-f]{12}\b", "<version>", shown.partition("\n")[0])
    pattern = re.sub(_NUMBER, "<number>", line)
    return re.escape(pattern).replace("<number>", _NUMBER).replace("<version>", "[0-9a-f]{12}")


def generate(path: Path) -> None:
    """Half a year of payments with the Handbook's columns. The one that the page explains is good, and too large."""
    draw = random.Random(11)
    usual = [draw.uniform(5, 80) for _ in range(40)]
    rows: list[tuple[int, int, float, int]] = []
    for day in range(183):
        for customer, mean in enumerate(usual):
            amount, fraud = max(1.0, draw.gauss(mean, mean / 4)), 0
            if draw.random() < 0.02:
                amount, fraud = draw.uniform(221, 500), 1
            elif draw.random() < 0.01:
                amount = 210.0
            amount = round(amount, 2)
            rows.append((day * 86_400 + draw.randrange(86_400), customer, amount, fraud))
    asked = re.search(r"riskgate explain (\d+) ", PAGE)
    assert asked
    rows = sorted(rows)
    rows.append((rows[-1][0] + 60, 0, round(usual[0] * 10, 2), 0))
    columns = list(zip(*rows, strict=True))
    pl.DataFrame(
        {
            "TRANSACTION_ID": [*range(1_000_000, 1_000_000 + len(rows) - 1), int(asked[1])],
            "TX_TIME_SECONDS": columns[0],
            "CUSTOMER_ID": columns[1],
            "TERMINAL_ID": [draw.randrange(100) for _ in rows],
            "TX_AMOUNT": [math.nextafter(each, math.inf) if n % 50 == 0 else each for n, each in enumerate(columns[2])],
            "TX_FRAUD": columns[3],
            "TX_FRAUD_SCENARIO": columns[3],
        }
    ).write_parquet(path)


@pytest.mark.parametrize("data", ["generated", *(["handbook"] if HANDBOOK.exists() else [])])
def test_the_page_can_be_walked(tmp_path: Path, data: str) -> None:
    folder = tmp_path / "first-pack"
    folder.mkdir()
    source = HANDBOOK.resolve() if data == "handbook" else tmp_path / "generated.parquet"
    if data == "generated":
        generate(source)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HANDBOOK": str(source),
        "RISKGATE_USER": "ada",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for step in steps():
        if step.file:
            (folder / step.file).parent.mkdir(exist_ok=True)
            (folder / step.file).write_text(step.shown, encoding="utf-8")
            continue
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        told = f"{step.command}\nprints\n{done.stdout}"
        assert done.returncode == 0, told
        # A slow machine says that it loads the kernels. Tables are padded with spaces, which the page does without.
        printed = re.sub(r"riskgate: loading the kernels.*\n", "", done.stdout)
        printed = re.sub(r" +$", "", printed, flags=re.MULTILINE)
        if data == "handbook":
            assert re.fullmatch(pattern_of(step.shown), printed), told
        else:
            assert re.match(first_line_of(step.shown), printed), told
    _check_what_is_left(folder)


def _check_what_is_left(folder: Path) -> None:
    """Both rules went live, and the last one was taken back."""
    pack = load_pack(folder / "shop")
    assert {rule.id: rule.mode for rule in pack.rules} == {"shop.large": "shadow", "shop.unusual": "live"}
    account = json.loads((folder / "report.json").read_text(encoding="utf-8"))["account"]
    assert account["rounded"] > 0
    assert 0 < account["rounded_by"] < 1e-12
    assert (account["unread"], account["future"]) == ({}, 0)
    for page in ("tune.html", "report.html", "diff.html"):
        assert "<svg" in (folder / page).read_text(encoding="utf-8"), page


def test_the_page_is_read_whole() -> None:
    walked = list(steps())
    fences = len(re.findall(r"^```(?:console|yaml)$", PAGE, flags=re.MULTILINE))
    assert fences == len(_BLOCK.findall(PAGE))
    assert len([step for step in walked if step.file]) == 3
    assert len([step for step in walked if "riskgate" in step.command]) > 12

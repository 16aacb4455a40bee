"""Packs whose files are not what they seem, or too much in all: refused, without reading on and without waiting."""

import os
import random
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from rules import Loaded, load
from rules.bounds import FILE_BYTES_MAX, LIST_BYTES_MAX, LISTS_BYTES_MAX, PACK_BYTES_MAX
from rules.findings import render
from support.rule_packs import HEAD, errors, load_text, write_pack

RULE = "rules:\n- {id: a.rule, when: user_id in lists.a, then: review}\n"
LIST = "lists: {a: {type: string, file: a.csv}}\n"
COLUMNS = "value,added_by,reason,expires_at\n"
CPU_MAX_S = 30
"""Many times what any of these take: what is quadratic takes minutes."""


def _codes(loaded: Loaded) -> set[str]:
    assert loaded.pack is None
    return {finding.code for finding in errors(loaded)}


def _link(target: Path) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


_ASTRAY: dict[str, Callable[[Path], None]] = {
    "a file outside": _link(Path("/etc/hostname")),
    "a device": _link(Path("/dev/zero")),
    "a neighbour": _link(Path("../outside")),
    "nothing": _link(Path("nowhere")),
    "itself": _link(Path("more.yml")),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("name", ["more.yml", "a.csv"])
@pytest.mark.parametrize("what", _ASTRAY)
def test_what_is_no_file_of_the_pack_is_not_read(tmp_path: Path, name: str, what: str) -> None:
    folder = write_pack(tmp_path / "pack", LIST + RULE, {"a.csv": COLUMNS})
    (tmp_path / "outside").write_text(COLUMNS)
    (folder / name).unlink(missing_ok=True)
    _ASTRAY[what](folder / name)
    assert _codes(load(folder)) & {"unreadable-file", "bad-value"}


def test_a_link_within_the_pack_is_followed(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", LIST + RULE, {"b.csv": COLUMNS})
    (folder / "a.csv").symlink_to("b.csv")
    (tmp_path / "link").symlink_to("pack")
    assert load(tmp_path / "link").pack is not None


@pytest.mark.parametrize(
    "text",
    [
        "\n" * (LIST_BYTES_MAX - 100),
        "a" * (LIST_BYTES_MAX - 100),
        '"' + "a\n" * 900_000,
        "a,b,c,d\n" * 900_000,
        ",,,\n" * 900_000,
        "\x00" * 100_000,
    ],
    ids=["empty lines", "one line", "open quotes", "one value", "no values", "zeros"],
)
def test_a_hostile_list_is_refused_soon(tmp_path: Path, text: str) -> None:
    started = time.process_time()
    assert _codes(load_text(tmp_path, LIST + RULE, {"a.csv": COLUMNS + text})) <= {"bad-list", "too-large"}
    assert time.process_time() - started < CPU_MAX_S


def test_all_lists_together_are_bounded(tmp_path: Path) -> None:
    count = LISTS_BYTES_MAX // LIST_BYTES_MAX + 2
    lists = "".join(f"  l{number}: {{type: string, file: l{number}.csv}}\n" for number in range(count))
    folder = write_pack(tmp_path, f"lists:\n{lists}{RULE.replace('lists.a', 'lists.l0')}")
    for number in range(count):
        (folder / f"l{number}.csv").write_text(f"{COLUMNS}x,{'a' * 100_000},,\n" + f"y,,{'b' * 100_000},\n")
        os.truncate(folder / f"l{number}.csv", 300_000)
    assert "bad-list" in _codes(load(folder))
    for number in range(count):
        with (folder / f"l{number}.csv").open("w") as file:
            file.write(COLUMNS)
            file.writelines(f"{value},{'a' * 100_000},,\n" for value in range(320))
    assert _codes(load(folder)) == {"too-large"}


def test_all_rule_files_together_are_bounded(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, RULE.replace("user_id in lists.a", "amount > 5"))
    for number in range(PACK_BYTES_MAX // FILE_BYTES_MAX + 1):
        (folder / f"f{number}.yml").write_text("#" * (FILE_BYTES_MAX - 1))
    assert _codes(load(folder)) == {"too-large"}


def _features(count: int, prefix: str = "g") -> str:
    lines = "".join(f"  {prefix}{n}: {{count: event, by: user_id, over: {n + 1}s}}\n" for n in range(count))
    return f"features:\n{lines}"


def test_features_that_need_too_much_for_each_event_are_refused(tmp_path: Path) -> None:
    keys = list(combinations(("user_id", "device_id", "ip", "country", "channel", "platform", "method", "goods"), 4))
    lines = (
        f"  f{n}: {{count: event, by: [{', '.join(keys[n % 70])}], over: 1h, where: amount > {n // 70}}}\n"
        for n in range(512)
    )
    loaded = load_text(tmp_path, f"features:\n{''.join(lines)}{RULE.replace('user_id in lists.a', 'f0 > 5')}")
    assert [finding.message for finding in errors(loaded)] == [
        "expected features that take at most 4,096 bytes of each event, got 6,152"
    ]


def _tree(draw: random.Random) -> str:
    leaves = [f"g{draw.randrange(60)} {draw.choice('<>')} {draw.choice(('g1', 'g2', '3', '4'))}" for _ in range(64)]
    while len(leaves) > 1:
        leaves = [f"({a} {draw.choice(('and', 'or'))} {b})" for a, b in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


_DRAW = random.Random(1)
_SUM = "(" + " + ".join(f"g{n}" for n in range(20)) + ")"
_SLOW: dict[str, tuple[str, list[str]]] = {
    "large trees": (_features(60), [_tree(_DRAW) for _ in range(900)]),
    "chains": (_features(60), [" and ".join(f"g{n} < g{n + 1}" for n in range(59))] * 900),
    "the same": (_features(60), ["g1 > 5 and (g2 < 3 or g3 > 4)"] * 900),
    "different values": (_features(60), [f"goods == 'n{n}'" for n in range(900)]),
    "sums": (_features(60), [f"{_SUM} * {_SUM} > {n}" for n in range(900)]),
    "misspelt names": (_features(512, "f" * 56), [f"{'f' * 50}_{n}x{'y' * 8} > 1" for n in range(900)]),
}


@pytest.mark.parametrize("name", _SLOW)
def test_no_pack_takes_long(name: str, tmp_path: Path) -> None:
    features, conditions = _SLOW[name]
    folder = write_pack(tmp_path, features)
    for first in range(0, len(conditions), 100):
        rules = "".join(
            f'- {{id: r.n{first + n}, mode: live, then: review, when: "{text}"}}\n'
            for n, text in enumerate(conditions[first : first + 100])
        )
        (folder / f"r{first:03}.yml").write_text(f"rules:\n{rules}")
    started = time.process_time()
    render(load(folder).findings)
    assert time.process_time() - started < CPU_MAX_S


def test_the_head_of_these_packs_is_sound(tmp_path: Path) -> None:
    """Else what is refused here could be refused for another reason."""
    assert HEAD in (write_pack(tmp_path, LIST + RULE, {"a.csv": COLUMNS}) / "pack.yml").read_text()
    assert load(tmp_path).findings == ()

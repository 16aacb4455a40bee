import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from riskgate.watching import changes


def _watched(folder: Path, moves: list[Callable[[], object]]) -> list[int]:
    """After how many pauses changes were told, where one move is made in each pause."""
    told: list[int] = []
    paused = 0

    class Over(Exception):
        pass

    def pause() -> None:
        nonlocal paused
        if paused == len(moves):
            raise Over
        moves[paused]()
        paused += 1

    with suppress(Over):
        told.extend(paused for _ in changes(folder, pause))
    return told


def test_a_change_is_told_when_it_has_come_to_rest(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text("a")
    nothing = int
    more: list[Callable[[], object]] = [
        nothing,
        lambda: file.write_text("ab"),
        lambda: file.write_text("abc"),
        nothing,
        nothing,
        lambda: os.utime(file, ns=(1, 1)),
        nothing,
        file.unlink,
        nothing,
        lambda: (tmp_path / "lists").mkdir(),
        nothing,
        lambda: (tmp_path / "lists" / "a.csv").symlink_to("nowhere"),
        nothing,
        nothing,
    ]
    assert _watched(tmp_path, more) == [0, 4, 7, 9, 11, 13]

"""The watch on a pack's folder, look by look: what it changes to, what it refuses, and that it tells each once."""

import os
from pathlib import Path

import pytest

from engine import Engine
from flows import FolderSource, PackWatch, Tally
from flows.renewal import Lists
from rules import Pack
from schemas.batches import decode
from support.packs import HEAD, load_pack, write_pack
from support.streams import payment
from windows.store import MEMORY_MIN

RULE = "- {{id: a.many, when: tx_10m > params.n, params: {{n: {n}}}, then: review}}\n"


class Watched:
    """A pack in a folder, an engine that decides with it, and a watch that is looked through by the test."""

    def __init__(self, folder: Path, rules: str = RULE.format(n=3)) -> None:
        self.folder = write_pack(folder, rules)
        self.told: list[str] = []
        self.lists: list[Lists] = []
        self.reason: str | None = None
        self.tally = Tally()
        source = FolderSource(folder, None)
        marks = source.marks()
        self.engine = Engine(load_pack(folder), memory_bytes=MEMORY_MIN)
        self.watch = PackWatch(source, marks, self.engine, self.refuse, self.lists.append, self.told.append, self.tally)

    @property
    def pack(self) -> Pack:
        return self.engine.pack

    def refuse(self, _pack: Pack) -> str | None:
        return self.reason

    def looks(self, count: int = 2) -> None:
        for _ in range(count):
            self.watch.look()
            self.watch.apply()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_changed_rule_is_in_force_after_two_looks(watched: Watched) -> None:
    before = watched.pack
    watched.looks()
    assert watched.pack is before
    write_pack(watched.folder, RULE.format(n=30))
    watched.looks(1)
    assert watched.pack is before
    watched.looks(3)
    assert watched.pack == load_pack(watched.folder)
    assert watched.told == [f"{watched.pack.version} is in force from here on, after {before.version}: a.many changed"]
    assert (watched.tally.packs_taken, watched.tally.packs_refused) == (1, 0)
    assert watched.lists == [{}]


def test_a_bad_pack_changes_nothing_and_is_told_once(watched: Watched) -> None:
    before = watched.pack
    write_pack(watched.folder, RULE.format(n=30).replace("tx_10m", "tx_11m"))
    watched.looks(5)
    assert watched.pack is before
    (told,) = watched.told
    assert told.startswith(f"refused what `{watched.folder}` holds now, {before.version} stays in force: ")
    assert "did you mean `tx_10m`?" in told
    assert "rules.yml:2:" in watched.watch.refusal
    assert (watched.tally.packs_taken, watched.tally.packs_refused) == (0, 1)
    write_pack(watched.folder, RULE.format(n=31))
    watched.looks()
    assert watched.pack == load_pack(watched.folder)
    assert watched.watch.refusal == ""


def test_going_back_to_what_is_in_force_ends_a_refusal(watched: Watched) -> None:
    text = (watched.folder / "rules.yml").read_text()
    (watched.folder / "rules.yml").write_text("rules: 7\n")
    watched.looks()
    (watched.folder / "rules.yml").write_text(text)
    watched.looks()
    assert watched.watch.refusal == ""
    assert len(watched.told) == 2
    assert watched.told[1].startswith(f"{watched.pack.version} is what `{watched.folder}` holds again")


def test_a_folder_that_is_gone_is_refused_and_its_return_is_seen(watched: Watched) -> None:
    before, elsewhere = watched.pack, watched.folder.with_name("elsewhere")
    watched.folder.rename(elsewhere)
    watched.looks(4)
    assert watched.pack is before
    assert len(watched.told) == 1
    elsewhere.rename(watched.folder)
    write_pack(watched.folder, RULE.format(n=4))
    watched.looks()
    assert watched.pack == load_pack(watched.folder)


def test_what_the_run_cannot_do_is_refused(watched: Watched) -> None:
    watched.reason = "this run is special"
    write_pack(watched.folder, RULE.format(n=4))
    watched.looks(3)
    assert watched.watch.refusal == "this run is special"
    write_pack(watched.folder, RULE.format(n=4), HEAD.replace("currency: CNY", "currency: EUR"))
    watched.looks(3)
    assert watched.watch.refusal.startswith("expected `currency` to stay CNY while it runs, got EUR")
    assert len(watched.told) == 2


def test_files_that_were_only_touched_change_nothing(watched: Watched) -> None:
    before = watched.pack
    os.utime(watched.folder / "rules.yml", (1, 1))
    watched.looks(3)
    assert watched.pack is before
    assert not watched.told


def test_a_folder_that_is_exchanged_as_a_whole_is_seen(watched: Watched, tmp_path: Path) -> None:
    """As deployments do: the name stays and is a link to somewhere else."""
    releases = tmp_path / ".releases"
    for number in (1, 2):
        (releases / str(number)).mkdir(parents=True)
        write_pack(releases / str(number), RULE.format(n=number))
    current = releases / "current"
    current.symlink_to(releases / "1")
    told: list[str] = []
    engine = Engine(load_pack(current), memory_bytes=MEMORY_MIN)
    source = FolderSource(current, None)
    watch = PackWatch(source, source.marks(), engine, watched.refuse, lambda _: None, told.append, Tally())
    (releases / "next").symlink_to(releases / "2")
    (releases / "next").rename(current)
    for _ in range(2):
        watch.look()
    watch.apply()
    assert engine.pack == load_pack(current)
    assert len(told) == 1


def test_a_rule_that_is_not_demoted_any_more_is_told(tmp_path: Path) -> None:
    rule = "- {id: a.b, when: amount > 5, then: block, breaker: {expected: 1%, min_hits: 1, multiple: MULTIPLE}}\n"
    watched = Watched(tmp_path, rule.replace("MULTIPLE", "5"))
    watched.engine.decide(decode([payment("t1", amount=9)]), {})
    assert [each.rule for each in watched.engine.demotions] == ["a.b"]
    write_pack(watched.folder, rule.replace("MULTIPLE", "5") + RULE.format(n=3))
    watched.looks()
    assert len(watched.told) == 1
    assert [each.rule for each in watched.engine.demotions] == ["a.b"]
    write_pack(watched.folder, rule.replace("MULTIPLE", "6"))
    watched.looks()
    assert watched.engine.demotions == ()
    assert watched.told[2:] == ["no longer demoted, since they were changed: a.b"]

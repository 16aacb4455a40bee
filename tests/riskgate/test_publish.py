"""Versions of a pack in a real Redis: who puts them in force, who is held back, and a run that takes them."""

import json
from pathlib import Path

import pytest
import redis
from click.testing import Result

from schemas import Decision
from support.commands import Running, started
from support.desks import RULES, Desk, refused
from support.streams import decoded, payment


class Publisher(Desk):
    """A desk whose versions are in a store."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    def command(self, *words: str | Path) -> Result:
        more = ("--store", self.url) if words[0] in ("promote", "publish", "approve", "rollback", "history") else ()
        return super().command(*words, *more)

    def publish(self, *options: str | Path, who: str = "ann") -> Result:
        return self.command("publish", self.pack, "--who", who, "--why", "as agreed", *options)

    def at_store(self, *words: str) -> Result:
        name, *more = words
        signed = () if name == "history" else ("--who", "oncall", "--why", "too many")
        return self.command(name, "store:small", *more, *signed)

    @property
    def in_force(self) -> str:
        version: str = json.loads(self.at_store("history", "--format", "json").output)["in_force"]
        return version


@pytest.fixture
def desk(tmp_path: Path, redis_db: str) -> Publisher:
    made = Publisher(tmp_path, redis_db)
    made.backtest()
    return made


@pytest.fixture
def other(tmp_path: Path, redis_db: str) -> Publisher:
    """Somebody else, with the same pack and report in another folder."""
    (tmp_path / "other").mkdir()
    made = Publisher(tmp_path / "other", redis_db)
    made.backtest()
    return made


def done(result: Result) -> None:
    assert result.exit_code == 0, result.output


def test_a_pack_is_published_promoted_and_gone_back_from(desk: Publisher) -> None:
    refused(
        desk.promote("small.burst", "shadow"), 1, "expected a version in force in `store:small`", "riskgate publish"
    )
    done(desk.publish())
    first = desk.in_force
    assert first == desk.version
    refused(desk.publish(), 1, f"expected changes to publish, got {first}, which is in force")
    done(desk.promote("small.burst", "shadow"))
    done(desk.promote("small.burst", "live"))
    assert desk.in_force == desk.version
    assert desk.modes["small.burst"] == "live"
    shown = desk.at_store("history").output
    assert "1. published: nothing to" in shown
    assert "3. promoted small.burst from shadow to live" in shown
    assert "32 hits of 40 judged events" in shown
    done(desk.at_store("rollback"))
    done(desk.at_store("rollback"))
    assert desk.in_force == first
    refused(desk.at_store("rollback"), 1, "expected a change that can be taken back")
    refused(desk.at_store("rollback", "--to", "0123456789ab"), 1, "that was in force before")
    assert desk.modes["small.burst"] == "live"  # the folder was not named
    done(desk.rollback("--to", first))
    assert desk.rules.read_text() == RULES


def test_a_live_rule_that_has_changed_needs_its_own_backtest(desk: Publisher) -> None:
    desk.rules.write_text(RULES.replace("mode: off", "mode: live"))
    done(desk.publish())
    first = desk.in_force
    desk.rules.write_text(desk.rules.read_text().replace("most: 2", "most: 1").replace("repeat: 2", "repeat: 1"))
    refused(desk.publish(), 3, "since the live rule `small.burst` has changed: give --backtest")
    refused(desk.publish("--backtest", desk.report), 3, "has changed since")
    assert desk.in_force == first
    desk.backtest()
    result = desk.publish("--backtest", desk.report)
    done(result)
    assert "small.burst: backtest on" in result.output
    assert desk.in_force == desk.version


def test_no_rule_goes_live_along_with_others(desk: Publisher) -> None:
    done(desk.publish())
    desk.rules.write_text(RULES.replace("mode: shadow", "mode: live"))
    told = "expected no rule to go live but by its own promotion, got `small.ip`, which is shadow"
    refused(desk.publish("--backtest", desk.report), 1, told)
    refused(desk.promote("small.burst", "shadow"), 1, told)
    desk.rules.write_text(RULES.replace("mode: off", "mode: live"))
    refused(desk.promote("small.burst", "live"), 1, "got `small.burst`, which is off")


def test_an_interrupted_promotion_can_be_given_again(desk: Publisher) -> None:
    """The folder says it, the store does not: as where it was edited by hand."""
    done(desk.publish())
    desk.rules.write_text(RULES.replace("mode: off", "mode: shadow"))
    done(desk.promote("small.burst", "shadow"))
    assert desk.in_force == desk.version


def test_the_change_of_somebody_else_is_not_lost(desk: Publisher, other: Publisher) -> None:
    done(desk.publish())
    done(other.promote("small.burst", "shadow", who="eve"))
    theirs = desk.in_force
    desk.rules.write_text(RULES + "- {id: small.more, when: amount > 9, then: tag}\n")
    mine = desk.version
    refused(desk.publish(), 1, f"to be made from {theirs}, which `eve` has put in force", f"--to {theirs}", mine)
    assert desk.in_force == theirs
    done(desk.rollback("--to", theirs))
    assert (desk.version, desk.in_force) == (theirs, theirs)
    desk.rules.write_text(desk.rules.read_text() + "- {id: small.more, when: amount > 9, then: tag}\n")
    done(desk.publish())
    assert desk.in_force == desk.version
    assert json.loads(desk.at_store("history", "--format", "json").output)["records"][-1]["who"] == "ann"


def test_a_second_person_approves_at_the_store(desk: Publisher) -> None:
    head = desk.pack / "pack.yml"
    done(desk.publish())
    done(desk.promote("small.burst", "shadow"))
    head.write_text(head.read_text() + "approval: second_person\n")
    done(desk.publish())
    before = desk.in_force
    head.write_text(head.read_text().replace("approval: second_person\n", ""))
    result = desk.promote("small.burst", "live")  # taking it out of the folder does not help
    done(result)
    assert "waits for a second person: riskgate approve" in result.output
    assert desk.in_force == before
    number = json.loads(desk.at_store("history", "--format", "json").output)["waiting"][0]
    refused(desk.approve(number, "ann"), 1, "expected a second person")
    done(desk.at_store("approve", str(number)))
    assert desk.in_force != before
    assert desk.modes["small.burst"] == "shadow"  # the folder was not named
    done(desk.rollback("--to", desk.in_force))
    assert (desk.modes["small.burst"], desk.version) == ("live", desk.in_force)


def test_approval_brings_the_folder_along(desk: Publisher) -> None:
    head = desk.pack / "pack.yml"
    head.write_text(head.read_text() + "approval: second_person\n")
    done(desk.publish())
    done(desk.approve(1, "bob"))
    done(desk.promote("small.burst", "shadow"))
    done(desk.promote("small.burst", "live"))
    done(desk.approve(4, "bob"))
    assert (desk.modes["small.burst"], desk.version) == ("live", desk.in_force)


def test_what_cannot_be_is_told(desk: Publisher, redis_db: str) -> None:
    gone = Publisher.__new__(Publisher)
    gone.__dict__.update(desk.__dict__, url="redis://user:s3cret@127.0.0.1:1/0")
    for result in (gone.publish(), gone.promote("small.burst", "shadow"), gone.at_store("history")):
        refused(result, 1, "`store:small` in redis 127.0.0.1:1", "refused")
        assert "s3cret" not in result.output
    gone.url = "memory:"
    assert "expected a store that keeps packs" in gone.publish().output
    assert "expected the name of a pack" in desk.command("history", "store:../x").output
    assert Desk.command(desk, "history", "store:small").output.count("expected --store with `store:small`") == 1
    with redis.Redis.from_url(redis_db) as client:
        assert client.dbsize() == 0


def ask(running: Running, raw: bytes) -> Decision:
    assert running.process.stdin is not None
    assert running.process.stdout is not None
    running.process.stdin.write(raw + b"\n")
    running.process.stdin.flush()
    return decoded(running.process.stdout.readline())


def test_a_run_takes_what_is_in_force_and_what_comes_after(desk: Publisher, tmp_path: Path) -> None:
    command = ("run", "--pack", "store:small", "--store", desk.url, "--input", "-", "--output", "-")
    with started(tmp_path / "none", *command) as running:
        assert running.end() == 1
        assert "expected a version in force in `store:small`" in running.told
    done(desk.publish())
    done(desk.promote("small.burst", "shadow"))
    with started(tmp_path / "err", *command) as running:
        assert [ask(running, payment(f"t{at}")).action for at in range(3)] == ["allow"] * 3
        assert ask(running, payment("t3")).pack == f"small@{desk.in_force}"
        done(desk.promote("small.burst", "live"))
        running.await_told(f"small@{desk.in_force} is in force from here on")
        fourth = ask(running, payment("t4"))
        assert (fourth.action, fourth.pack) == ("block", f"small@{desk.in_force}")
        done(desk.at_store("rollback"))
        running.await_told(f"small@{desk.in_force} is in force from here on")
        fifth = ask(running, payment("t5"))
        assert (fifth.action, fifth.shadow, fifth.pack) == ("allow", ("small.burst",), f"small@{desk.in_force}")
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.end() == 0
        assert "packs taken              2" in running.told

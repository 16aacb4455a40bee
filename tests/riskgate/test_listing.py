"""`riskgate lists` on a pack's files and on a real Redis, as its users run it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskgate.cli import cli
from support.commands import ROOT, riskgate

PACK = ROOT / "rules" / "packs" / "game-points"


@pytest.fixture(params=["pack", "store"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The option that says where the lists are, and its value."""
    if request.param == "store":
        return "--store", request.getfixturevalue("redis_db")
    shutil.copytree(PACK, tmp_path / "pack")
    return "--pack", str(tmp_path / "pack")


def _lists(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["lists", *arguments], env={"RISKGATE_USER": "lin.yue", "RISKGATE_STORE": ""})


def _action(home: tuple[str, str], number: int) -> str:
    """The decision on a new payment of the device `d1`."""
    event = {"type": "payment", "transaction_id": f"t{number}", "timestamp": 1_790_000_000_000, "user_id": "u1"}
    event |= {"device_id": "d1", "amount": 6, "currency": "CNY"}
    pack = home[1] if home[0] == "--pack" else str(PACK)
    more = () if home[0] == "--pack" else home
    done = riskgate("run", "--pack", pack, "--input", "-", "--output", "-", *more, stdin=json.dumps(event).encode())
    action: str = json.loads(done.stdout)["action"]
    return action


def test_what_is_added_decides_until_it_is_removed(home: tuple[str, str]) -> None:
    assert _action(home, 1) == "allow"
    added = _lists("add", "blocked_devices", "d1", *home, "--expires", "2099-01-31", "--why", "case 2026-017")
    assert added.exit_code == 0, added.output
    assert "`d1` is on `blocked_devices` of" in added.output
    assert "until 2099-01-31 00:00:00" in added.output
    assert _action(home, 2) == "block"
    shown = _lists("show", "blocked_devices", *home, "--format", "json")
    (entry,) = [each for each in json.loads(shown.output) if each["value"] == "d1"]
    assert entry == {"value": "d1", "expires_ms": 4_073_500_800_000, "added_by": "lin.yue", "reason": "case 2026-017"}
    again = _lists("add", "blocked_devices", "d1", *home, "--who", "bo.chen", "--why", "for good")
    assert "for ever; before: 2099-01-31 00:00:00, lin.yue, case 2026-017" in again.output
    removed = _lists("remove", "blocked_devices", "d1", *home, "--who", "eve", "--why", "mistaken")
    assert removed.exit_code == 0
    assert _action(home, 3) == "allow"
    changes = json.loads(_lists("changes", *home, "--format", "json").output)
    assert [(each["did"], each["value"], each["who"], each["why"]) for each in changes] == [
        ("added", "d1", "lin.yue", "case 2026-017"),
        ("added", "d1", "bo.chen", "for good"),
        ("removed", "d1", "eve", "mistaken"),
    ]
    assert "mistaken" in _lists("changes", "blocked_devices", *home).output
    assert "mistaken" not in _lists("changes", "trusted_devices", *home).output


def test_mistakes_are_told_in_a_line(home: tuple[str, str]) -> None:
    _lists("add", "blocked_devices", "d1", *home, "--why", "x")
    for arguments, expected in (
        (("remove", "blocked_devices", "d9", *home, "--why", "x"), "expected a value that is on `blocked_devices`"),
        (("show", "blocked_device", *home), "has no list `blocked_device`: did you mean `blocked_devices`?"),
        (("add", "blocked_devices", "d1", *home, "--why", "x", "--expires", "2020-01-01"), "--expires in the future"),
        (("add", "blocked_devices", "a\nb", *home, "--why", "x"), "expected 1 to 256 printable characters"),
        (("add", "blocked_devices", "x" * 257, *home, "--why", "x"), "got 257"),
        (("add", "blocked_devices", "d1", *home), "Missing option '--why'"),
        (("add", "no list", "d1", *home, "--why", "x"), "list"),
        (("show",), "expected one of --pack and --store, got none"),
        (
            ("show", "--pack", str(PACK), "--store", "redis://127.0.0.1:1"),
            "expected one of --pack and --store, got both",
        ),
        (("show", "--store", "memory:"), "expected a store that outlives this command"),
        (("show", "--store", "redis://u:s3cret@127.0.0.1:1"), "127.0.0.1:1"),
    ):
        done = _lists(*arguments)
        assert done.exit_code in (1, 2), arguments
        assert expected in done.output, (arguments, done.output)
        assert "s3cret" not in done.output


def test_a_list_that_is_new_in_a_store_is_told(redis_db: str) -> None:
    first = _lists("add", "blocked_devcies", "d1", "--store", redis_db, "--why", "x")
    assert "`blocked_devcies` is new in redis" in first.output
    second = _lists("add", "blocked_devcies", "d2", "--store", redis_db, "--why", "x")
    assert "is new" not in second.output


def test_all_lists_are_counted(tmp_path: Path) -> None:
    shutil.copytree(PACK, tmp_path / "pack")
    rows = json.loads(_lists("show", "--pack", str(tmp_path / "pack"), "--format", "json").output)
    assert [row["list"] for row in rows] == ["blocked_devices", "blocked_payees", "trusted_devices"]
    (tmp_path / "pack" / "lists" / "blocked_devices.csv").write_text(
        "value,added_by,reason,expires_at\nd1,a,b,2020-01-01\n"
    )
    shown = _lists("show", "blocked_devices", "--pack", str(tmp_path / "pack"))
    assert "d1     2020-01-01 00:00:00 (expired)  a         b" in shown.output
    (tmp_path / "pack" / "cards.yml").write_text("rules: [{id: a.b}]")
    assert _lists("show", "--pack", str(tmp_path / "pack")).exit_code == 3

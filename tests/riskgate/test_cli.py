import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from riskgate.cli import COMMANDS
from support.commands import ROOT, riskgate

PACK = ROOT / "rules" / "packs" / "game-points"
HEAVY = ("numpy", "numba", "rich", "confluent_kafka", "bytewax", "msgspec", "redis", "yaml")


def test_help_names_every_command_at_once() -> None:
    fastest_s = float("inf")
    for _ in range(3):
        started_s = time.perf_counter()
        done = riskgate("--help")
        fastest_s = min(fastest_s, time.perf_counter() - started_s)
        assert done.returncode == 0
        assert all(name in done.stdout.decode() for name in [*COMMANDS, "completion"])
    assert fastest_s < 0.5


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from riskgate.cli import main\n"
        "sys.argv = ['riskgate', *sys.argv[1:]]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        f"    print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    for arguments in (["--help"], ["run", "--help"], ["completion", "zsh"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert done.stdout.splitlines()[-1] == "loaded:", arguments


def test_every_command_has_help() -> None:
    for name in COMMANDS:
        done = riskgate(name, "--help")
        assert done.returncode == 0, done.stderr
        assert f"riskgate {name}" in done.stdout.decode()


def test_version() -> None:
    assert riskgate("--version").stdout.startswith(b"riskgate 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    done = riskgate("completion", shell)
    assert done.returncode == 0
    assert b"_RISKGATE_COMPLETE" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, check=True)


FILES = ("--input", "a.ndjson", "--output", "b.ndjson")
KAFKA = ("--kafka", "127.0.0.1:1", "--in", "i", "--out", "o", "--dead", "d")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected --input and --output, or --kafka, --in, --out and --dead"),
        (("--input", "a"), "expected --output as well"),
        (("--output", "-"), "expected --input as well"),
        (KAFKA[:4], "expected --out and --dead as well"),
        (("--in", "i"), "expected --kafka and --out and --dead as well"),
        ((*FILES, *KAFKA), "expected either files or Kafka, got --input, --output together with --kafka, --in"),
        ((*FILES, "--group", "g"), "got --input, --output together with --group"),
        ((*KAFKA, "--dead-letters", "f"), "got --dead-letters together with --kafka"),
        (("--input", "a", "--output", "a"), "expected --input and --output to differ, got `a` for both"),
        ((*FILES, "--dead-letters", "b.ndjson"), "expected --output and --dead-letters to differ"),
        ((*KAFKA[:6], "--dead", "o"), "expected --out and --dead to differ, got `o` for both"),
        ((*KAFKA[:4], "--out", "i", "--dead", "d"), "expected --in and --out to differ"),
        ((*KAFKA, "--kafka-config", "s3cret"), "--kafka-config: expected KEY=VALUE"),
        ((*KAFKA, "--kafka-config", "group.id=x"), "`group.id` cannot be set here; it belongs to --group"),
        ((*FILES, "--store", "http://s3cret@x"), "expected a store URL such as `memory:`"),
        ((*FILES, "--storr", "x"), "No such option"),
    ],
)
def test_wrong_usage_is_told_in_a_line_and_exits_1(arguments: tuple[str, ...], message: str) -> None:
    done = riskgate("run", "--pack", PACK, *arguments)
    printed = done.stderr.decode()
    assert done.returncode == 1
    assert message in printed
    assert "Traceback" not in printed
    assert "s3cret" not in printed
    assert done.stdout == b""


def test_a_bad_pack_is_told_whole_and_nothing_is_started(tmp_path: Path) -> None:
    pack = tmp_path / "bad"
    pack.mkdir()
    (pack / "pack.yml").write_text(
        "schema: 1\npack: bad\nowner: me\ncurrency: CNY\ndefaults: {event: payment}\n", encoding="utf-8"
    )
    (pack / "rules.yml").write_text(
        "rules:\n- id: a.b\n  when: amout > 5\n  then: block\n- id: a.c\n  wen: amount > 5\n  then: block\n",
        encoding="utf-8",
    )
    events, decisions = tmp_path / "events", tmp_path / "decisions"
    events.write_bytes(b"{}\n")
    done = riskgate("run", "--pack", pack, "--input", events, "--output", decisions)
    assert done.returncode == 3
    assert b"error[unknown-key]" in done.stderr
    assert b"error[unknown-field]" in done.stderr
    assert b"rules.yml:3:" in done.stderr
    assert b"rules.yml:6:" in done.stderr
    assert not decisions.exists()


def test_a_missing_input_is_told(tmp_path: Path) -> None:
    decisions = tmp_path / "decisions"
    done = riskgate("run", "--pack", PACK, "--input", tmp_path / "nowhere", "--output", decisions)
    assert done.returncode == 1
    assert b"error: expected an input that can be read, got" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not decisions.exists()

"""`riskgate run --state` on files and pipes as a process that is killed, stopped, and given what it must refuse."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.workload import Scale, write_lines
from support.commands import TIMEOUT_S, riskgate, riskgate_command, started
from support.kills import KILLS, PACK, kill_at
from support.permissions import BOUND, allow_writing, forbid_writing
from support.rule_packs import write_pack
from support.streams import decoded, payment

EVENTS = 60_000
ELSEWHERE = "start with another empty directory: --state OTHER (its windows begin empty)"
OUTPUTS = ("decisions", "dead", "audit")


def stream(events: int, seed: int = 7) -> list[bytes]:
    """W with events that come again, also with other content, and some that cannot be read."""
    lines = list(write_lines(Scale(events=events, users=events // 10, seed=seed)))
    draw = random.Random(seed)
    for at in draw.sample(range(1, events), events // 50):
        other = lines[draw.randrange(at)]
        lines[at] = draw.choice((other, other.replace(b'"CN"', b'"US"'), other[:40]))
    return lines


def run(folder: Path, events: Path, state: Path, pack: Path = PACK) -> tuple[str | Path, ...]:
    decisions, dead, audit = (folder / name for name in OUTPUTS)
    ends = ("--input", events, "--output", decisions, "--dead-letters", dead, "--audit", audit)
    return ("run", "--pack", pack, *ends, "--state", state)


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in OUTPUTS]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events, and with what a run that nothing happens to makes of them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "events").write_bytes(b"".join(line + b"\n" for line in stream(EVENTS)))
    done = riskgate(*run(folder, folder / "events", folder / "state"))
    assert done.returncode == 0, done.stderr
    assert all(outputs(folder))
    return folder


def test_what_kills_leave_is_what_an_undisturbed_run_gives(undisturbed: Path, tmp_path: Path) -> None:
    """Every byte of decisions, dead letters and audit events."""
    draw = random.Random(KILLS)
    decisions = tmp_path / "decisions"
    whole = (undisturbed / "decisions").stat().st_size
    marks = sorted(draw.randrange(1, whole * 9 // 10) for _ in range(KILLS))
    command = run(tmp_path, undisturbed / "events", tmp_path / "state")

    def progress() -> int:
        return decisions.stat().st_size if decisions.exists() else 0

    figures = kill_at(draw, progress, marks, *command, errors=tmp_path / "err")
    assert figures.kills >= KILLS
    done = riskgate(*command)
    assert done.returncode == 0, done.stderr
    figures.add(done.stderr.decode())
    assert outputs(tmp_path) == outputs(undisturbed)
    print(f"\nfiles: {EVENTS:,} events, {figures}")


def test_an_input_that_grew_is_gone_on_with(undisturbed: Path, tmp_path: Path) -> None:
    lines = (undisturbed / "events").read_bytes().splitlines(keepends=True)
    events = tmp_path / "events"
    for end in (1, 20_000, 20_000, EVENTS):
        events.write_bytes(b"".join(lines[:end]))
        done = riskgate(*run(tmp_path, events, tmp_path / "state"))
        assert done.returncode == 0, done.stderr
    assert [each.replace(bytes(tmp_path), bytes(undisturbed)) for each in outputs(tmp_path)] == outputs(undisturbed)


def test_a_pipe_that_brings_everything_again_is_answered_as_before(tmp_path: Path) -> None:
    """Nothing is counted twice: the third payment is judged as the third of its user."""
    rule = "rules:\n- {id: a.b, when: n >= 3, then: block, mode: live, event: payment}\n"
    write_pack(tmp_path, "features:\n  n: {count: event, by: user_id, over: 1h}\n" + rule)
    command = ("run", "--pack", tmp_path, "--input", "-", "--output", "-", "--state", tmp_path / "state")
    first = [payment("t1"), payment("t2")]
    with started(tmp_path / "err", *command) as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        answers = []
        for raw in first:
            running.process.stdin.write(raw + b"\n")
            running.process.stdin.flush()
            answers.append(running.process.stdout.readline())
        running.end(9)
    again = riskgate(*command, stdin=b"\n".join([*first, payment("t3"), payment("t1", amount=1)]))
    assert again.returncode == 0, again.stderr
    told = [decoded(line) for line in again.stdout.splitlines()]
    given_again = [each for each in told if not each.duplicate]
    assert [each.transaction_id for each in told if each.duplicate] == ["t1", "t2"]
    assert [(each.transaction_id, each.action) for each in given_again][-1] == ("t3", "block")
    assert {each.transaction_id for each in given_again} <= {"t1", "t2", "t3"}
    assert [decoded(line).action for line in answers] == ["allow", "allow"]
    assert "conflicting_duplicate" in again.stderr.decode()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of a run on a few events, which knows its files by the names they have in `kept`."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "kept").mkdir()
    (folder / "kept" / "events").write_bytes(b"".join(line + b"\n" for line in stream(500)))
    done = riskgate(*run(folder / "kept", folder / "kept" / "events", folder / "kept" / "state"))
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder / "kept", folder / "copy")
    return folder


@pytest.fixture
def kept(finished: Path) -> Path:
    """The folder of the finished run, as it was then."""
    shutil.rmtree(finished / "kept")
    shutil.copytree(finished / "copy", finished / "kept")
    return finished / "kept"


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def make_older(folder: Path) -> None:
    manifest = folder / "state" / "manifest.json"
    fields = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(fields | {"format": 0}))


def damage(folder: Path) -> None:
    """In the middle of what was synced."""
    path = segment(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def segment(folder: Path) -> Path:
    return folder / "state" / "segments" / "0-00000001.log"


REFUSALS: dict[str, tuple[Callable[[Path], None], str]] = {
    "input": (
        lambda folder: shorten(folder / "events"),
        (
            "expected at least {events} bytes in `{folder}/events`, which were read before, got {events_now};"
            " give the input that the state directory belongs to, or another --state"
        ),
    ),
    "output": (
        lambda folder: shorten(folder / "decisions"),
        (
            "expected at least {decisions} bytes in `{folder}/decisions`, which were written before, got"
            " {decisions_now}; restore the output that the state directory belongs to, or give another --state"
        ),
    ),
    "no output": (
        lambda folder: (folder / "decisions").unlink(),
        (
            "expected at least {decisions} bytes in `{folder}/decisions`, which were written before, got 0;"
            " restore the output that the state directory belongs to, or give another --state"
        ),
    ),
    "format": (
        make_older,
        (
            "expected format 1, got 0 in `{folder}/state/manifest.json`: an older riskgate wrote it; go on with that"
            f" one, or {ELSEWHERE}"
        ),
    ),
    "no segment": (
        lambda folder: segment(folder).unlink(),
        (
            "expected the segments 1 to 1 of slot 0, got no `{folder}/state/segments/0-00000001.log`;"
            f" restore the file from a backup, or {ELSEWHERE}"
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_does_not_belong_together_is_refused(what: str, kept: Path) -> None:
    """And left as it is, so that the way out that is told is open."""
    folder, sizes = kept, sizes_of(kept)
    change, sentence = REFUSALS[what]
    change(folder)
    now = {f"{name}_now": size for name, size in sizes_of(folder).items()}
    before = files_of(folder)
    done = riskgate(*run(folder, folder / "events", folder / "state"))
    assert done.returncode == 1
    assert done.stderr.decode() == f"riskgate: error: {sentence.format(folder=folder, **sizes, **now)}\n"
    assert unchanged(before, files_of(folder))


def sizes_of(folder: Path) -> dict[str, str]:
    files = (folder / name for name in ("events", "decisions"))
    return {path.name: f"{path.stat().st_size if path.exists() else 0:,}" for path in files}


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unchanged(before: dict[Path, bytes], after: dict[Path, bytes]) -> bool:
    """Apart from who took the slot last, and an output that is opened where it was missing."""
    return all(after[path] == content for path, content in before.items() if path.parent.name != "slots")


def test_damage_is_told_and_nothing_begins_anew(kept: Path) -> None:
    folder = kept
    damage(folder)
    before = files_of(folder)
    done = riskgate(*run(folder, folder / "events", folder / "state"))
    told = done.stderr.decode()
    assert done.returncode == 1
    assert told.startswith("riskgate: error: expected a whole frame at byte ")
    assert told.endswith(
        f" of `{segment(folder)}`, got bytes that are damaged; restore the file from a backup, or {ELSEWHERE}\n"
    )
    assert unchanged(before, files_of(folder))


def test_the_state_of_another_pack_is_refused(kept: Path, tmp_path: Path) -> None:
    pack = tmp_path / "other"
    shutil.copytree(PACK, pack)
    (pack / "pack.yml").write_text((PACK / "pack.yml").read_text().replace("pack: w", "pack: other"))
    done = riskgate(*run(tmp_path, kept / "events", kept / "state", pack))
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"riskgate: error: expected the state of pack `other`, got that of pack `w` in `{kept}/state/manifest.json`;"
        f" run that pack, or {ELSEWHERE}\n"
    )


def test_other_features_are_refused_and_other_rules_are_not(kept: Path, tmp_path: Path) -> None:
    folder, pack = kept, tmp_path / "pack"
    shutil.copytree(PACK, pack)
    rules = pack / "rules.yml"
    rules.write_text(rules.read_text().replace("then: review", "then: block"))
    assert riskgate(*run(folder, folder / "events", folder / "state", pack)).returncode == 0
    features = pack / "features.yml"
    features.write_text(features.read_text().replace("by: payee_id", "by: channel"))
    done = riskgate(*run(folder, folder / "events", folder / "state", pack))
    assert done.returncode == 1
    assert done.stderr.decode().startswith(
        "riskgate: error: expected state for what the features and detectors of pack `w` read now ("
    )


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    state, err = tmp_path / "state", tmp_path / "err"
    command = ("run", "--pack", PACK, "--input", "-", "--output", "-", "--state", state)
    with started(err, *command) as running:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        running.process.stdin.write(payment("t1") + b"\n")
        running.process.stdin.flush()
        running.process.stdout.readline()
        done = riskgate(*command)
        assert done.returncode == 1
        assert done.stderr.decode() == (
            "riskgate: error: expected a state directory that no other run writes to, got"
            f" `{state}/slots/0` in use by process {running.process.pid} on `{os.uname().nodename}`; end that run, or"
            f" {ELSEWHERE}\n"
        )
        running.process.stdin.close()
        assert running.end() == 0


def test_a_directory_that_cannot_be_written_is_refused(kept: Path) -> None:
    folder = kept
    forbid_writing(folder / "state")
    try:
        done = subprocess.run(
            [*BOUND, *riskgate_command(*run(folder, folder / "events", folder / "state"))],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    finally:
        allow_writing(folder / "state")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"riskgate: error: expected a state directory that can be written, got `{folder}/state/slots/0`: Permission"
        " denied; allow it to the user who runs riskgate and start again with the same directory, or"
        f" {ELSEWHERE}\n"
    )


def test_a_full_disk_ends_it_and_with_room_it_goes_on(undisturbed: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for it; standard output has none."""
    state = tmp_path / "state"
    command = ("run", "--pack", PACK, "--input", undisturbed / "events", "--output", "-", "--state", state)
    limited = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "bash", *riskgate_command(*command)]
    full = subprocess.run(limited, capture_output=True, timeout=TIMEOUT_S, check=False)
    told = full.stderr.decode()
    assert full.returncode == 1
    assert (
        f"riskgate: error: expected a state directory that can be written, got `{state}/segments/0-00000001.log`: File"
        f" too large; raise the limit on a file's size and start again with the same directory, or {ELSEWHERE}\n"
    ) in told
    assert "Traceback" not in told
    again = riskgate(*command)
    assert again.returncode == 0, again.stderr
    wanted = (undisturbed / "decisions").read_bytes().splitlines()
    given = full.stdout.splitlines()
    assert 0 < len(given) < len(wanted)
    assert given == wanted[: len(given)]
    rest = again.stdout.splitlines()
    assert rest == wanted[len(wanted) - len(rest) :]
    assert len(rest) >= len(wanted) - len(given)

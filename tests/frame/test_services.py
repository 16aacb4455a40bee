"""scripts/services, each time as a copy with a state of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from support.services import ROOT

GIVEN = {"KAFKA_BOOTSTRAP": "broker.example:9092", "REDIS_URL": "redis://cache.example:6379/0"}


class Services:
    """A copy of scripts/services with `variables` for its whole environment beyond PATH and HOME."""

    def __init__(self, root: Path, **variables: str) -> None:
        (root / "scripts").mkdir(exist_ok=True)
        for name in ("services", "servers.py"):
            shutil.copy(ROOT / "scripts" / name, root / "scripts" / name)
        self.root = root
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(self.root / "scripts" / "services"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def answering(self) -> int:
        """The pid that Redis gives for itself."""
        url = self("env").stdout.rpartition("REDIS_URL=")[2].strip()
        with redis.Redis.from_url(url) as client:
            return int(client.info("server")["process_id"])

    @property
    def running(self) -> Path:
        return self.root / ".services" / "redis" / "running.json"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Runs a Redis server of its own; the broker's address is given, to be quick."""
    return Services(tmp_path, KAFKA_BOOTSTRAP=GIVEN["KAFKA_BOOTSTRAP"])


def test_given_addresses_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    services = Services(tmp_path, **GIVEN)
    assert services("start").stderr == ""
    assert services("env").stdout.splitlines() == [
        "export KAFKA_BOOTSTRAP=broker.example:9092",
        "export REDIS_URL=redis://cache.example:6379/0",
    ]
    assert services("status").returncode == 0
    assert services("stop").stderr == ""


def test_a_server_runs_from_start_to_stop(services: Services) -> None:
    assert services("status").returncode == 1
    assert services("start").returncode == 0
    try:
        pid = services.answering()
        assert services("start").stderr == ""
        assert services.answering() == pid
        assert services("status").returncode == 0
        assert "export REDIS_URL=redis://127.0.0.1:" in services("env").stdout
    finally:
        stopped = services("stop")
    assert stopped.stderr == "redis: stopped\n"
    assert services("status").returncode == 1
    assert services("env").stderr == "redis: not running: start it with scripts/services start\n"


def test_run_ends_what_it_started_and_hands_on_the_exit_code(services: Services) -> None:
    done = services("run", "sh", "-c", "echo $KAFKA_BOOTSTRAP $REDIS_URL; exit 7")
    assert done.returncode == 7
    assert done.stdout.startswith("broker.example:9092 redis://127.0.0.1:")
    assert "redis: stopped" in done.stderr
    assert services("status").returncode == 1


def test_run_leaves_alone_what_start_has_started(services: Services) -> None:
    services("start")
    try:
        assert services("run", "true").stderr == ""
        assert services.answering()
    finally:
        services("stop")


def test_stop_spares_a_process_that_took_over_the_pid(services: Services) -> None:
    services.running.parent.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = {"port": 16379, "pid": stranger.pid, "mark": "127.0.0.1:16379", "kept": True}
        services.running.write_text(json.dumps(record))
        services("stop")
        assert stranger.poll() is None
        stranger.kill()


def test_one_line_says_what_is_missing(tmp_path: Path) -> None:
    services = Services(tmp_path, PATH=str(tmp_path))
    done = services("start")
    assert done.returncode == 1
    assert done.stderr == (
        "kafka: java and mvn missing (Debian, Ubuntu: apt-get install default-jre-headless maven), and docker does not "
        "answer: provide one of them, or set KAFKA_BOOTSTRAP to a server that runs\n"
    )

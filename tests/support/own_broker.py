"""A broker of a test's own, which can go away in the middle of the work and come back."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.gates import DEADLINE_S
from support.services import ROOT, wait_until

START_DEADLINE_S = 60


class OwnBroker:
    """A copy of scripts/services with a broker and a state of its own.

    Its ports are far from the usual ones, so that no other broker takes them while it is away.
    """

    def __init__(self, root: Path) -> None:
        shutil.copytree(ROOT / "scripts", root / "scripts")
        self._script = root / "scripts" / "services"
        servers = root / "scripts" / "servers.py"
        usual, own = "first_port=19092", f"first_port={random.randrange(21_000, 32_000, 10)}"
        text = servers.read_text(encoding="utf-8")
        assert usual in text
        servers.write_text(text.replace(usual, own), encoding="utf-8")
        self._state = root / ".services" / "kafka"
        self._state.mkdir(parents=True)
        for jars in (ROOT / ".services" / "kafka").glob("jars-[0-9]*"):
            (self._state / jars.name).symlink_to(jars)
        given = {"REDIS_URL": "redis://not.used:6379/0"}
        self._environment = {key: value for key, value in os.environ.items() if key != "KAFKA_BOOTSTRAP"} | given
        self._again: subprocess.Popen[bytes] | None = None

    def _services(self, command: str) -> None:
        done = subprocess.run(
            [sys.executable, self._script, command], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        self._services("start")
        started = json.loads((self._state / "running.json").read_text())
        assert started["pid"], "expected a broker that is a process here, which needs java and mvn"
        self._pid, self._port = started["pid"], started["port"]
        self.bootstrap = f"127.0.0.1:{self._port}"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def go_away(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        wait_until(lambda: not self._answers(), DEADLINE_S, "the broker's end")

    def come_back(self) -> None:
        """With all that it had stored."""
        (jars,) = self._state.glob("jars-[0-9]*")
        command = ["java", "-Xmx512m", "-cp", f"{jars}/*", "kafka.Kafka", str(self._state / "server.properties")]
        with (self._state / "again.log").open("wb") as log:
            self._again = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, START_DEADLINE_S, "the broker to come back")

    def stop(self) -> None:
        if self._again is not None:
            self._again.kill()
            self._again.wait(DEADLINE_S)
        else:
            self._services("stop")

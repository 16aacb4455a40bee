"""Real servers for tests: their addresses, fresh topics, and a Redis database of one's own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "services"
POLL_S = 0.02
ADMIN_TIMEOUT_S = 20
CLAIM_S = 600


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str = "") -> None:
    """Polls `condition` until it holds; fails the test with `what` was awaited when `timeout_s` have passed."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s for {what or condition}")
        time.sleep(POLL_S)


def address(variable: str) -> str:
    """The address in the environment's `variable`, else that of the server that scripts/services runs."""
    given = os.environ.get(variable)
    if given:
        return given
    _services("start")
    exports = _services("env")
    exported = re.search(rf"^export {variable}=(\S+)$", exports, re.MULTILINE)
    assert exported, f"scripts/services env names no {variable}: {exports}"
    return exported[1]


def _services(command: str) -> str:
    done = subprocess.run([sys.executable, SCRIPT, command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stderr.strip(), pytrace=False)
    return done.stdout


class Topics:
    """Makes topics on a broker and deletes them in the end."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._made: list[str] = []

    def __call__(self, stem: str = "topic", partitions: int = 1) -> str:
        """A fresh, empty topic's name, which begins with `stem`. The broker keeps records of any age in it."""
        name = f"{stem}-{uuid4().hex[:12]}"
        made = NewTopic(name, num_partitions=partitions, replication_factor=1, config={"retention.ms": "-1"})
        for done in self._admin.create_topics([made]).values():
            done.result(ADMIN_TIMEOUT_S)
        self._made.append(name)
        wait_until(lambda: self._is_led(name, partitions), ADMIN_TIMEOUT_S, f"leaders of topic {name}")
        return name

    def _is_led(self, name: str, partitions: int) -> bool:
        known = self._admin.list_topics(name, timeout=ADMIN_TIMEOUT_S).topics[name].partitions
        return len(known) == partitions and all(partition.leader >= 0 for partition in known.values())

    def delete(self) -> None:
        if self._made:
            for done in self._admin.delete_topics(self._made).values():
                done.result(ADMIN_TIMEOUT_S)


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """The URL of an empty database of the server at `url` that no other test uses meanwhile.

    A database with content is left alone unless an earlier test is known to have left it. Claims are keys of the
    database that `url` names.
    """
    with redis.Redis.from_url(url) as claims:
        for number in range(1, int(claims.config_get("databases")["databases"])):
            claim, ours = f"riskgate:test:claim:{number}", f"riskgate:test:ours:{number}"
            database = urlsplit(url)._replace(path=f"/{number}").geturl()
            if not claims.set(claim, 1, nx=True, ex=CLAIM_S):
                continue
            try:
                with redis.Redis.from_url(database) as client:
                    if client.dbsize() and not claims.exists(ours):
                        continue
                    claims.set(ours, 1)
                    client.flushdb()
                    yield database
                    client.flushdb()
                    return
            finally:
                claims.delete(claim)
        pytest.fail(f"no free database at {url}: all are in use by other tests or hold data", pytrace=False)

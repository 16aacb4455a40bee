"""Fixtures for tests that talk to real servers; they fail, and never skip, where a server cannot be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from support.own_broker import OwnBroker
from support.services import Topics, address, own_database

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    """A real broker's host:port."""
    return address("KAFKA_BOOTSTRAP")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A real Redis server's URL; tests that write use `redis_db`."""
    return address("REDIS_URL")


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[Topics]:
    """Makes fresh topics: `topic()`, `topic("decisions", partitions=4)`."""
    topics = Topics(kafka_bootstrap)
    yield topics
    topics.delete()


@pytest.fixture
def redis_db(redis_url: str) -> Iterator[str]:
    """The URL of an empty Redis database of this test alone."""
    with own_database(redis_url) as url:
        yield url


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OwnBroker]:
    """A broker of this test alone, which can go away and come back."""
    made = OwnBroker(tmp_path)
    made.start()
    yield made
    made.stop()

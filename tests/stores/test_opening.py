import pytest

from stores import MemoryStore, RedisStore, StoreUrlError, open_store


def test_the_scheme_chooses_the_store() -> None:
    assert isinstance(open_store("memory:"), MemoryStore)
    assert isinstance(open_store("redis://127.0.0.1:6379/0"), RedisStore)
    assert isinstance(open_store("rediss://127.0.0.1:6379/0"), RedisStore)
    assert isinstance(open_store("unix:///run/redis.sock"), RedisStore)


@pytest.mark.parametrize(
    "url", ["", "redis.example.org", "http://s3cret@x", "redis://:s3cret@x:port/0", "redis://[s3cret"]
)
def test_a_url_that_cannot_be_taken_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StoreUrlError, match="expected a") as raised:
        open_store(url)
    assert "s3cret" not in str(raised.value)

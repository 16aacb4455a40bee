import pytest

from riskgate.waiting import loading_kernels
from support.services import wait_until


def test_a_long_wait_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def explained() -> bool:
        told.append(capsys.readouterr().err)
        return "compiled ..." in "".join(told)

    with loading_kernels(0.0):
        wait_until(explained, 10, "the explanation")


def test_a_short_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with loading_kernels(600):
        pass
    assert capsys.readouterr().err == ""

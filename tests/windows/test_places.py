"""Places and the ways between them, against another formula and known ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windows import NULL, pack
from windows.places import EARTH_KM, distance_km

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def packed(place: tuple[float, float]) -> int:
    return int(pack(np.array([place[0]]), np.array([place[1]]))[0])


def vector(place: tuple[float, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    latitude, longitude = map(math.radians, place)
    flat = math.cos(latitude)
    return np.array([flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)])


@given(places, places)
def test_the_way_is_the_angle_between_the_vectors(here: tuple[float, float], there: tuple[float, float]) -> None:
    one, other = vector(here), vector(there)
    angle = math.atan2(float(np.linalg.norm(np.cross(one, other))), float(one @ other))
    assert distance_km(packed(here), packed(there)) == pytest.approx(angle * EARTH_KM, abs=1e-3)


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        pytest.param((0.0, 0.0), (0.0, 1.0), math.pi * EARTH_KM / 180, id="a degree of the equator"),
        pytest.param((90.0, 0.0), (-90.0, 50.0), math.pi * EARTH_KM, id="from pole to pole"),
        pytest.param((10.0, 180.0), (10.0, -180.0), 0.0, id="over the date line"),
        pytest.param((36.12, -86.67), (33.94, -118.40), 2886.4, id="Nashville to Los Angeles"),
    ],
)
def test_known_ways(here: tuple[float, float], there: tuple[float, float], km: float) -> None:
    assert distance_km(packed(here), packed(there)) == pytest.approx(km, abs=0.5)


def test_a_place_with_a_part_missing_is_none() -> None:
    nan = math.nan
    assert pack(np.array([1.0, nan, nan]), np.array([nan, 1.0, nan])).tolist() == [NULL] * 3

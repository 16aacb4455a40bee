"""Places on the earth: packed into one value of the log, and the way between two of them."""

import numpy as np
from numpy.typing import NDArray

from windows.jit import kernel
from windows.layout import NULL

EARTH_KM = 6371.0088
"""The mean radius of the earth (Moritz, Geodetic Reference System 1980, 2000)."""

_UNITS = 1e7
"""So many to a degree: a centimetre on the equator."""

_LOW, _HALF = 2**32, 2**31


def pack(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places as int64: tens of millionths of a degree, latitude in the upper half; NULL where one of both is NaN."""
    missing = np.isnan(latitudes) | np.isnan(longitudes)
    units = [np.rint(np.where(missing, 0.0, each) * _UNITS).astype(np.int64) for each in (latitudes, longitudes)]
    return np.where(missing, NULL, units[0] * _LOW + units[1] + _HALF)


@kernel
def distance_km(place: int, other: int) -> float:
    """The great-circle distance of two packed places by the haversine formula (Sinnott, Sky and Telescope, 1984)."""
    latitude, theirs = np.radians((place // _LOW) / _UNITS), np.radians((other // _LOW) / _UNITS)
    apart = np.radians((place % _LOW - other % _LOW) / _UNITS)
    height, width = np.sin((theirs - latitude) / 2.0), np.sin(apart / 2.0)
    chord = height * height + np.cos(latitude) * np.cos(theirs) * width * width
    return float(2.0 * EARTH_KM * np.arcsin(np.sqrt(min(chord, 1.0))))

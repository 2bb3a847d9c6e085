"""Places: "latitude, longitude" in 1.1, [longitude, latitude] in 2.0.0."""

from __future__ import annotations

from typing import Any

from beckn.wire.errors import WireError
from beckn.wire.v1 import number
from beckn.wire.v1.member import Object, obj


def gps_of(geo: Any) -> str:
    """A GeoJSON point as gps; "" for any other shape."""
    found = obj(geo)
    coordinates = found.get("coordinates")
    if found.get("type") != "Point" or not isinstance(coordinates, list) or len(coordinates) != 2:
        return ""
    longitude, latitude = (number.text(value) for value in coordinates)
    return f"{latitude}, {longitude}" if latitude and longitude else ""


def point_of(gps: Any, path: str) -> Object:
    """And back. Raises WireError SCH_INVALID_FORMAT naming `path` when it is not two numbers on the globe."""
    parts = str(gps).split(",")
    if len(parts) != 2:
        raise WireError("SCH_INVALID_FORMAT", f'{path} must be "latitude, longitude".', path)
    latitude, longitude = number.read(parts[0].strip(), path), number.read(parts[1].strip(), path)
    if abs(number.Decimal(latitude)) > 90 or abs(number.Decimal(longitude)) > 180:
        raise WireError("SCH_INVALID_FORMAT", f'{path} is not on the globe; write "latitude, longitude".', path)
    return {"type": "Point", "coordinates": [longitude, latitude]}

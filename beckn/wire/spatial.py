"""Spatial constraints on GeoJSON: is a resource's place within, near or across what somebody drew?

Shapes are compared in degrees of longitude and latitude (WGS 84), which is exact enough for whether they touch; distances
are great circles in metres. Shapely does the geometry, and is loaded only when somebody asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EARTH_M = 6_371_008.8  # mean radius (IUGG)
MOST_POINTS = 5000  # of one geometry
KINDS = frozenset({"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"})
PREDICATES = {
    "S_WITHIN": "within",
    "S_CONTAINS": "contains",
    "S_INTERSECTS": "intersects",
    "S_DISJOINT": "disjoint",
    "S_OVERLAPS": "overlaps",
    "S_CROSSES": "crosses",
    "S_TOUCHES": "touches",
    "S_EQUALS": "equals",
}
QUANTIFIERS = ("ANY", "ALL", "NONE")


class SpatialError(ValueError):
    """A geometry or a constraint that cannot be understood. The text says why."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint: `op` between a resource's places and `shape`; S_DWITHIN has `metres`."""

    op: str
    shape: Any
    metres: float
    quantifier: str

    def holds(self, places: Iterable[Any]) -> bool:
        """Whether the places (GeoJSON of a resource) satisfy it. A resource without a place satisfies none but NONE."""
        verdicts = [self.fits(place) for place in places]
        if self.quantifier == "NONE":
            return not any(verdicts)
        return all(verdicts) and bool(verdicts) if self.quantifier == "ALL" else any(verdicts)

    def fits(self, place: Any) -> bool:
        """Whether one place satisfies it; what is no geometry does not."""
        try:
            if self.op == "S_DWITHIN" and self.shape.geom_type == "Point" and is_point(place):
                at = pair(place["coordinates"], [1])  # the usual question, without building a shape for each resource
                return haversine_m(at, (self.shape.x, self.shape.y)) <= self.metres
            shape = geometry(place)
        except SpatialError:
            return False
        if self.op == "S_DWITHIN":
            return distance_m(shape, self.shape) <= self.metres
        return bool(getattr(shape, PREDICATES[self.op])(self.shape))


def is_point(place: Any) -> bool:
    """Whether a GeoJSON object is a point with a position."""
    return isinstance(place, Mapping) and place.get("type") == "Point" and isinstance(place.get("coordinates"), list)


def constraint(told: Mapping[str, Any]) -> Constraint:
    """A constraint as the wire spells it. Raises SpatialError."""
    op, quantifier = str(told.get("op", "")).upper(), str(told.get("quantifier") or "ANY").upper()
    if op != "S_DWITHIN" and op not in PREDICATES:
        raise SpatialError(f"{op[:20]!r} is not one of S_DWITHIN, {', '.join(PREDICATES)}")
    if quantifier not in QUANTIFIERS:
        raise SpatialError(f"the quantifier is {quantifier[:20]!r}, not ANY, ALL or NONE")
    if str(told.get("srid") or "EPSG:4326").upper().removeprefix("EPSG:") != "4326":
        raise SpatialError("coordinates must be WGS 84 (srid EPSG:4326)")
    metres = told.get("distanceMeters")
    if op == "S_DWITHIN" and metres is None:
        raise SpatialError("S_DWITHIN needs distanceMeters")
    return Constraint(op, geometry(told.get("geometry")), float(metres or 0), quantifier)


def geometry(told: Any) -> Any:
    """A shapely geometry from GeoJSON. Raises SpatialError: not a geometry, out of range, too long, or crossing itself."""
    import shapely

    if not isinstance(told, Mapping) or told.get("type") not in KINDS:
        raise SpatialError(f"a geometry is an object whose type is one of {', '.join(sorted(KINDS))}")
    kind = str(told["type"])
    budget = [MOST_POINTS]
    coordinates = points(told.get("coordinates"), budget)
    try:
        if kind == "Point":
            return shapely.Point(coordinates)
        shape = shapely.geometry.shape({"type": kind, "coordinates": coordinates})
    except (ValueError, TypeError, IndexError, AttributeError, shapely.errors.ShapelyError) as problem:
        raise SpatialError(f"the coordinates are no {kind}: {problem}") from problem
    if shape.is_empty or not shape.is_valid:
        raise SpatialError(f"the {kind} is {'empty' if shape.is_empty else shapely.is_valid_reason(shape)}")
    return shape


def points(told: Any, budget: list[int], depth: int = 0) -> Any:
    """Coordinates as floats: a [longitude, latitude] pair, or lists of them at most four deep."""
    if not isinstance(told, Sequence) or isinstance(told, str) or not told or depth > 4:
        raise SpatialError("coordinates are [longitude, latitude], or lists of such pairs")
    if not isinstance(told[0], Sequence):
        return pair(told, budget)
    return [points(item, budget, depth + 1) for item in told]


def pair(told: Sequence[Any], budget: list[int]) -> tuple[float, float]:
    """One position; a third number, the altitude, is left out."""
    budget[0] -= 1
    if budget[0] < 0:
        raise SpatialError(f"it has more than {MOST_POINTS} points")
    try:
        x, y = (float(value) for value in told[:2])
    except (TypeError, ValueError) as problem:
        raise SpatialError("a position is [longitude, latitude] in degrees") from problem
    if not (-180 <= x <= 180 and -90 <= y <= 90):
        raise SpatialError(f"[{x}, {y}] is not a longitude (-180 to 180) and a latitude (-90 to 90)")
    return x, y


def distance_m(one: Any, other: Any) -> float:
    """Metres between two shapes; 0 where they meet.

    The nearest points are found on a plane whose degrees are as long as those at the shapes, and measured on the sphere.
    """
    if one.geom_type == other.geom_type == "Point":
        return haversine_m((one.x, one.y), (other.x, other.y))
    import shapely

    squeeze = math.cos(math.radians((one.centroid.y + other.centroid.y) / 2)) or 1e-9
    flat = [shapely.transform(shape, lambda at: at * (squeeze, 1.0)) for shape in (one, other)]
    (x1, y1), (x2, y2) = shapely.shortest_line(*flat).coords
    return haversine_m((x1 / squeeze, y1), (x2 / squeeze, y2))


def haversine_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle metres between two (longitude, latitude) positions.

    >>> round(haversine_m((-0.1276, 51.5072), (1.2974, 52.6309)) / 1000)  # London to Norwich
    158
    """
    (x1, y1), (x2, y2) = ([math.radians(value) for value in position] for position in (one, other))
    chord = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))

"""Predicates against shapely's own, distances against hand-worked ones, and geometries nobody should be able to send."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import spatial
from beckn.wire.spatial import SpatialError

LONDON, NORWICH, LEEDS = [-0.1276, 51.5072], [1.2974, 52.6309], [-1.54, 53.79]
EAST = {"type": "Polygon", "coordinates": [[[0, 52], [2, 52], [2, 53], [0, 53], [0, 52]]]}


def point(at):
    return {"type": "Point", "coordinates": at}


def box(x, y, wide, high):
    return {"type": "Polygon", "coordinates": [[[x, y], [x + wide, y], [x + wide, y + high], [x, y + high], [x, y]]]}


def holds(op, place, geometry, **more):
    return spatial.constraint({"op": op, "targets": "$", "geometry": geometry, **more}).holds([place])


@pytest.mark.parametrize(
    ("op", "place", "geometry", "expected"),
    [
        ("S_WITHIN", point(NORWICH), EAST, True),
        ("S_WITHIN", point(LONDON), EAST, False),
        ("S_DISJOINT", point(LONDON), EAST, True),
        ("S_INTERSECTS", point([0, 52.5]), EAST, True),  # on the edge
        ("S_WITHIN", point([0, 52.5]), EAST, False),
        ("S_TOUCHES", point([0, 52.5]), EAST, True),
        ("S_CONTAINS", EAST, point(NORWICH), True),
        ("S_EQUALS", EAST, box(0, 52, 2, 1), True),
        ("S_OVERLAPS", EAST, box(1, 52, 3, 1), True),
        ("S_OVERLAPS", EAST, box(0.5, 52.2, 0.2, 0.2), False),
        ("S_CROSSES", {"type": "LineString", "coordinates": [[-1, 52.5], [3, 52.5]]}, EAST, True),
        ("s_within", point([Decimal("1.2974"), Decimal("52.6309")]), EAST, True),
    ],
)
def test_each_relation(op, place, geometry, expected):
    assert holds(op, place, geometry) is expected


def test_a_hole_is_outside():
    ring = {
        "type": "Polygon",
        "coordinates": [EAST["coordinates"][0], [[1, 52.4], [1.6, 52.4], [1.6, 52.8], [1, 52.8], [1, 52.4]]],
    }
    assert not holds("S_WITHIN", point(NORWICH), ring)


@pytest.mark.parametrize(
    ("place", "geometry", "km"),
    [
        (LONDON, point(NORWICH), 157.9),
        (LONDON, point(LONDON), 0),
        (LONDON, EAST, 55.5),  # the box's nearest corner is 0.1276 degrees east and 0.4928 north: 8.75 and 54.8 km
        (NORWICH, EAST, 0),
        (LEEDS, EAST, 134.6),  # corner [0, 53]: 1.54 degrees of 66.4 km east and 0.79 of 111.2 km south
    ],
)
def test_distances_worked_by_hand(place, geometry, km):
    assert spatial.distance_m(spatial.geometry(point(place)), spatial.geometry(geometry)) / 1000 == pytest.approx(
        km, abs=1
    )
    for metres, inside in ((km * 1000 + 1500, True), (max(km * 1000 - 1500, 0), km == 0)):
        assert holds("S_DWITHIN", point(place), geometry, distanceMeters=metres) is inside


LON, LAT = st.floats(-170, 170), st.floats(-80, 80)


@given(LON, LAT, LON, LAT)
def test_a_distance_is_the_angle_between_the_two_on_the_sphere(x1, y1, x2, y2):
    import math

    def vector(x, y):
        x, y = math.radians(x), math.radians(y)
        return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)

    a, b = vector(x1, y1), vector(x2, y2)
    cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    angle = math.atan2(math.hypot(*cross), sum(p * q for p, q in zip(a, b, strict=True)))
    assert spatial.haversine_m((x1, y1), (x2, y2)) == pytest.approx(angle * spatial.EARTH_M, rel=1e-6, abs=1)


def test_quantifiers():
    def quantified(word, places):
        return spatial.constraint({"op": "S_WITHIN", "geometry": EAST, "quantifier": word}).holds(places)

    inside, outside = point(NORWICH), point(LONDON)
    assert [quantified(word, [inside, outside]) for word in ("ANY", "ALL", "NONE", "any")] == [True, False, False, True]
    assert [quantified(word, [outside]) for word in ("ANY", "ALL", "NONE")] == [False, False, True]
    assert [quantified(word, []) for word in ("ANY", "ALL", "NONE")] == [False, False, True]
    assert not quantified("ANY", ["nowhere"])


@pytest.mark.parametrize(
    "change",
    [
        {"op": "S_NEAR"},
        {"quantifier": "MOST"},
        {"srid": "EPSG:27700"},
        {"geometry": None},
        {"geometry": {"type": "Circle", "coordinates": [0, 0]}},
        {"geometry": point([200, 52])},
        {"geometry": point([52, 100])},
        {"geometry": point(["x", 1])},
        {"geometry": point([1])},
        {"geometry": point([])},
        {"geometry": point([[[[[[1, 2]]]]]])},
        {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
        {"geometry": {"type": "Polygon", "coordinates": [1, 2]}},
        {"geometry": {"type": "LineString", "coordinates": [[i / 100, 1] for i in range(5001)]}},
        {"op": "S_DWITHIN", "distanceMeters": None},
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(change):
    with pytest.raises(SpatialError, match=r"\w+ \w+"):
        spatial.constraint({"op": "S_WITHIN", "targets": "$", "geometry": EAST} | change)


SHAPES = st.sampled_from([*sorted(spatial.KINDS), "x"])
NESTED = st.recursive(
    st.integers(-200, 200) | st.text(max_size=2) | st.none(), lambda inner: st.lists(inner, max_size=5), max_leaves=30
)


@given(SHAPES, NESTED)
def test_any_geometry_is_a_shape_or_an_error_of_ours(kind, coordinates):
    with contextlib.suppress(SpatialError):
        assert spatial.geometry({"type": kind, "coordinates": coordinates}).is_valid

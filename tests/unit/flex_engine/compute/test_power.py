"""The analytic power estimate."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.compute import power
from flex_engine.compute.power import estimate_kw

sizes = st.floats(0, 1e5, allow_nan=False)


@given(sizes, sizes, st.floats(1, 3))
def test_twice_the_cores_draw_twice_the_power_and_pue_multiplies(cpus: float, gpus: float, pue: float):
    one = estimate_kw(cpus=cpus, gpus=gpus, kw_per_cpu=0.01, kw_per_gpu=0.5, pue=pue)
    two = estimate_kw(cpus=2 * cpus, gpus=2 * gpus, kw_per_cpu=0.01, kw_per_gpu=0.5, pue=pue)
    assert two == pytest.approx(2 * one)
    assert one == pytest.approx(pue * estimate_kw(cpus=cpus, gpus=gpus, kw_per_cpu=0.01, kw_per_gpu=0.5, pue=1))


@pytest.mark.parametrize("name", ["cpus", "gpus", "kw_per_cpu", "kw_per_gpu"])
def test_negative_input_is_refused_by_name(name: str):
    given_ = {"cpus": 1.0, "gpus": 1.0, "kw_per_cpu": 1.0, "kw_per_gpu": 1.0, "pue": 1.0} | {name: -1.0}
    with pytest.raises(ValueError, match=f"{name} is -1.0"):
        estimate_kw(**given_)


def test_a_pue_below_one_is_refused():
    with pytest.raises(ValueError, match=r"pue is 0.9; it is at least 1"):
        estimate_kw(cpus=1, gpus=0, kw_per_cpu=1, kw_per_gpu=0, pue=0.9)


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(power).failed == 0

"""How much power a job draws, from what a queue says of it. Analytic; it knows no site and no meter.

Error: for whole servers a linear model in allocated cores is within about 5 to 15 % of measured power (Fan, Weber and
Barroso, "Power provisioning for a warehouse-sized computer", ISCA 2007); for single jobs published predictors stay
12 to 22 % off. Figures made here are therefore labelled ESTIMATED wherever they are shown.
"""

from __future__ import annotations

RELATIVE_ERROR = 0.20


def estimate_kw(*, cpus: float, gpus: float, kw_per_cpu: float, kw_per_gpu: float, pue: float) -> float:
    """Site power in kW at the meter: (cpus x kw_per_cpu + gpus x kw_per_gpu) x PUE. Raises ValueError when negative.

    `kw_per_cpu` and `kw_per_gpu` are the site's own IT power per allocated core and accelerator, idle share included.

    >>> estimate_kw(cpus=64, gpus=8, kw_per_cpu=0.01, kw_per_gpu=0.5, pue=1.25)
    5.8
    """
    for name, value in (("cpus", cpus), ("gpus", gpus), ("kw_per_cpu", kw_per_cpu), ("kw_per_gpu", kw_per_gpu)):
        if value < 0:
            raise ValueError(f"{name} is {value}; it cannot be negative")
    if pue < 1:
        raise ValueError(f"pue is {pue}; it is at least 1")
    return (cpus * kw_per_cpu + gpus * kw_per_gpu) * pue

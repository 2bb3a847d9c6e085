"""SETTLE: baselines, delivery and payment, exact: integers in Wh and pence, Decimal rates, no float anywhere."""

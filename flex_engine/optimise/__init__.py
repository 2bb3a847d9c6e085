"""OPTIMISATION: the problem, its solution and an independent check. Nothing is imported here: cvxpy loads only where used."""

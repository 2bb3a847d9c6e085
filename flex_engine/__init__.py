"""The numbers: compute, grid, optimisation, flexibility and settlement. Usable alone; it knows no Django and no market."""

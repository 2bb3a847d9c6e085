"""How values look on a page: times in London with their settlement period, figures with units, states with shapes."""

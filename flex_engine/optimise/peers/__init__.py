"""Published scheduling policies beside the planner, each a few lines, behind one interface: a problem in, a plan out."""

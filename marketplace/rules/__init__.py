"""Pure rules: states, roles, eligibility and errors. No Django, no clock, no I/O."""

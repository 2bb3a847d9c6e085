"""Commands: the operator's door from the shell, and the demonstrations that drive the whole house through its other doors."""

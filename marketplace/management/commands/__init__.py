"""One command a file. Each says in its help what it does, with an example."""

"""Pages: one file per noun. A view reads through queries, writes through one use case, and renders a template."""

"""Reads: one file per page family, returning frozen dataclasses. Nothing here changes a row or reads a clock."""

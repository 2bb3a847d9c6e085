"""Verifiers for outsiders. They import nothing of the project, and nothing of the project imports them but tests."""

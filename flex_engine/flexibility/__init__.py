"""FLEXIBILITY: how much a planned site can turn down or up, proved, and what that is worth. Nothing is imported here."""

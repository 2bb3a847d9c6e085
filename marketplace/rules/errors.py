"""The one anticipated error of the market. Every door shows its message and its fix; anything else is a fault.

Codes are the Beckn error codes where one fits (BIZ_, POL_), otherwise a short upper-case word of our own.
"""

from __future__ import annotations

from typing import Any


class MarketError(Exception):
    """Something a person or a peer can put right. `message` says what is wrong, `fix` what to do."""

    def __init__(self, code: str, message: str, *, fix: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.details = details or {}

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()

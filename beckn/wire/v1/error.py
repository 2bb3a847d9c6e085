"""Errors both ways: the numbers of 1.1 (BECKN-005) and the words of 2.0.0 (NFH-008).

Several words share a number and the other way round, so each direction has a table of its own and a default for the family.
The exact word of a 2.0.0 error travels in the beckn-v2 tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beckn.wire.v1.member import obj, text

WORDS = {
    "30000": "SCH_SCHEMA_VALIDATION_FAILED",
    "30001": "BIZ_PROVIDER_NOT_FOUND",
    "30002": "BIZ_LOCATION_NOT_FOUND",
    "30003": "BIZ_CATEGORY_NOT_FOUND",
    "30004": "BIZ_ITEM_NOT_FOUND",
    "30005": "BIZ_CATEGORY_NOT_FOUND",
    "30006": "BIZ_OFFER_NOT_FOUND",
    "30007": "BIZ_ADDON_NOT_FOUND",
    "30008": "BIZ_FULFILLMENT_UNAVAILABLE",
    "30009": "BIZ_FULFILLMENT_UNAVAILABLE",
    "30010": "BIZ_ORDER_NOT_FOUND",
    "30011": "BIZ_INVALID_CANCELLATION_REASON",
    "30012": "BIZ_INVALID_UPDATE_TARGET",
    "30013": "BIZ_UPDATE_INCONSISTENT",
    "30014": "BIZ_RATING_TARGET_NOT_FOUND",
    "30015": "BIZ_INVALID_RATING_VALUE",
    "30016": "AUT_SIGNATURE_INVALID",
    "40000": "BIZ_GENERIC_ERROR",
    "40001": "NET_NOT_IMPLEMENTED",
    "40002": "BIZ_QUANTITY_UNAVAILABLE",
    "40003": "BIZ_QUOTE_EXPIRED_OR_CHANGED",
    "40004": "BIZ_PAYMENT_NOT_SUPPORTED",
    "40005": "BIZ_TRACKING_NOT_SUPPORTED",
    "40006": "BIZ_FULFILLMENT_UNAVAILABLE",
    "50000": "POL_GENERIC_ERROR",
    "50001": "POL_CANCELLATION_NOT_ALLOWED",
    "50002": "POL_UPDATE_NOT_ALLOWED",
    "50003": "BIZ_RATING_TARGET_NOT_FOUND",
    "50004": "BIZ_SUPPORT_NOT_AVAILABLE",
}
# A word's own number where it has one; of several the first, which is the more general.
NUMBERS = {word: number for number, word in reversed(WORDS.items())} | {
    "BIZ_PRICE_MISMATCH": "40003",
    "BIZ_PAYMENT_FAILED": "40004",
    "BIZ_INVALID_STATE_TRANSITION": "40001",
}
FAMILIES = {"CTX": "30000", "SCH": "30000", "AUT": "30016", "NET": "40000", "BIZ": "40000", "POL": "50000"}


def number_of(word: str) -> str:
    """The number for a word; that of its family, or of business errors, when it has none of its own."""
    return NUMBERS.get(word) or FAMILIES.get(word.partition("_")[0], "40000")


def word_of(number: str) -> str:
    """The word for a number; for one we do not know, the general word of its thousands."""
    general = {"3": "SCH_SCHEMA_VALIDATION_FAILED", "5": "POL_GENERIC_ERROR"}
    return WORDS.get(number) or general.get(number[:1], "BIZ_GENERIC_ERROR")


def of(word: str, message: str, path: str = "") -> dict[str, Any]:
    """The error object of 1.1."""
    return {"code": number_of(word), "message": message} | ({"paths": path} if path else {})


def to_v1(error: Mapping[str, Any]) -> dict[str, Any]:
    """The root error of a callback."""
    path = obj(error.get("details")).get("path")
    return of(str(error.get("errorCode", "")), str(error.get("errorMessage", "")), text(path))


def to_v2(error: Mapping[str, Any]) -> dict[str, Any]:
    """The same in both spellings of 2.0.0."""
    word, message = word_of(str(error.get("code", ""))), str(error.get("message", ""))
    return {"errorCode": word, "errorMessage": message, "code": word, "message": message}

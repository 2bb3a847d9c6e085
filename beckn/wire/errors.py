"""Every error code the network knows, and the one exception that carries one.

Codes are those of the network's error document (NFH-008), used in every profile. A code says the class of an error and no
more; the text beside it says which field, and how to put it right.
"""

from __future__ import annotations

FAMILIES = {
    "CTX": """MISSING_FIELD INVALID_FIELD ACTION_MISMATCH VERSION_UNSUPPORTED TTL_EXPIRED MESSAGE_ID_DUPLICATE
        TRANSACTION_ID_UNKNOWN CALLBACK_URL_MISSING INVALID_BPP_URI""",
    "AUT": """SIGNATURE_MISSING SIGNATURE_INVALID SUBSCRIBER_NOT_FOUND KEY_NOT_FOUND KEY_EXPIRED_OR_REVOKED
        UNAUTHORIZED_ACTION DOMAIN_NOT_ALLOWED REPLAY_DETECTED RATE_LIMITED""",
    "SCH": """INVALID_JSON SCHEMA_VALIDATION_FAILED REQUIRED_FIELD_MISSING FIELD_NOT_ALLOWED INVALID_ENUM INVALID_FORMAT
        INVALID_JSONPATH INVALID_JSONLD_CONTEXT TYPE_NOT_SUPPORTED ATTRIBUTE_PACK_INVALID INVALID_ENTITY_TYPE
        SCHEMA_ADAPTATION_FAILED""",
    "NET": """TIMEOUT DOWNSTREAM_UNAVAILABLE CALLBACK_FAILED ACK_TIMEOUT OVERLOADED INTERNAL_ERROR NOT_IMPLEMENTED
        CATALOG_SOURCE_UNAVAILABLE CATALOG_STALE""",
    "BIZ": """PROVIDER_NOT_FOUND LOCATION_NOT_FOUND CATEGORY_NOT_FOUND ITEM_NOT_FOUND OFFER_NOT_FOUND ADDON_NOT_FOUND
        ORDER_NOT_FOUND QUANTITY_UNAVAILABLE FULFILLMENT_UNAVAILABLE QUOTE_EXPIRED_OR_CHANGED PRICE_MISMATCH
        PAYMENT_NOT_SUPPORTED PAYMENT_FAILED TRACKING_NOT_SUPPORTED SUPPORT_NOT_AVAILABLE NO_RESULTS_FOUND
        INVALID_STATE_TRANSITION ALREADY_CANCELLED ALREADY_CONFIRMED UPDATE_INCONSISTENT INVALID_UPDATE_TARGET
        INVALID_CANCELLATION_REASON RATING_TARGET_NOT_FOUND INVALID_RATING_VALUE GENERIC_ERROR""",
    "POL": """CANCELLATION_NOT_ALLOWED UPDATE_NOT_ALLOWED GEO_RESTRICTED ELIGIBILITY_NOT_MET KYC_REQUIRED CONSENT_REQUIRED
        SANCTIONED_PARTY CALLER_TRUST_INSUFFICIENT NP_CAPACITY_EXCEEDED NP_DORMANT ENGAGEMENT_REFUSED GENERIC_ERROR""",
}
CODES = frozenset(f"{family}_{word}" for family, words in FAMILIES.items() for word in words.split())


class WireError(Exception):
    """A message that cannot be accepted: `code` is one of CODES, `path` a JSON pointer into the body (empty: all of it).

    `http_status` is the status of the NACK. Without one it is 401 for AUT_ codes (the sender is not shown to be who it
    says) and 400 for everything else.
    """

    def __init__(self, code: str, message: str, path: str = "", http_status: int = 0) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is no Beckn error code; see beckn.wire.errors.FAMILIES")
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.path = code, message, path
        self.http_status = http_status or (401 if code.startswith("AUT_") else 400)

"""In which form a body is taken: JSON in UTF-8 and as it is, because the signature covers the bytes and nothing around them."""

from __future__ import annotations

from beckn.wire.errors import WireError


def check(content_type: str, content_encoding: str) -> None:
    """Raise WireError with HTTP status 415 unless the two headers say JSON in UTF-8, unencoded; an absent one is "".

    >>> check('application/json; charset="UTF-8"', "")
    """
    kind, _, parameter = content_type.partition(";")
    charset = parameter.lower().replace(" ", "").replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise WireError("SCH_INVALID_FORMAT", "Send Content-Type: application/json in UTF-8.", http_status=415)
    if content_encoding.lower() not in ("", "identity"):
        raise WireError("SCH_INVALID_FORMAT", "Send the body without Content-Encoding.", http_status=415)

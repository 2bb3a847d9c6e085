"""What a request must be before anybody looks into it: JSON in UTF-8, unencoded, of bounded size, with single headers."""

from __future__ import annotations

from django.conf import settings

from beckn.receive import asgi
from beckn.wire import media
from beckn.wire.errors import WireError


async def read(scope: asgi.Scope, receive: asgi.Receive) -> bytes:
    """The body, if it is what it should be. Raises WireError, or GoneError when it does not come."""
    media.check(header(scope, b"content-type"), header(scope, b"content-encoding"))
    limit = settings.BECKN_MAX_BODY
    length = header(scope, b"content-length")
    try:
        if length.isdigit() and int(length[:12]) > limit:
            raise asgi.TooLargeError
        return await asgi.read_body(receive, limit=limit)
    except asgi.TooLargeError as problem:
        raise WireError("SCH_INVALID_FORMAT", f"The body is longer than {limit} bytes.", http_status=413) from problem


def header(scope: asgi.Scope, name: bytes) -> str:
    """A header that may stand once."""
    try:
        return asgi.header(scope, name)
    except ValueError as problem:
        code = "AUT_SIGNATURE_INVALID" if name == b"authorization" else "SCH_INVALID_FORMAT"
        raise WireError(code, f"Send each header once: {problem}.") from problem

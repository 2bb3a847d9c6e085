"""Every refusal as application/problem+json (RFC 9457): what is wrong, where, and what to write instead.

One table says which status each of the market's error codes gets. What nobody anticipated becomes a 500 with a reference
that stands beside the traceback in the log.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from beckn.registry import UnknownPeerError
from marketplace.rules.errors import MarketError

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
# What each status means here. 409 is about the state of things, 422 about what was sent.
TITLES = {
    400: "The request cannot be read",
    401: "Nobody is signed in",
    403: "Not allowed",
    404: "Nothing here",
    405: "This address does not take that method",
    409: "It does not fit the state of things",
    413: "Too large",
    415: "Not a format that is read here",
    422: "Something in the request must be put right",
    500: "Our fault",
}
# The market's own refusals: codes with a status of their own, then families; the rest is about the state of things.
STATUS = {
    "NOT_ALLOWED": 403,
    "FILE_TOO_LARGE": 413,
    "EMPTY_FILE": 422,
    "WINDOW_TOO_SOON": 422,
    "BIZ_INVALID_UPDATE_TARGET": 422,
}
FAMILIES = ((re.compile(r".*_(NOT_FOUND|UNKNOWN)"), 404), (re.compile(r"(BAD|SCH)_.*"), 422), (re.compile(r".*"), 409))
# The framework's refusals: (exception, status, code, what to do).
FRAMEWORK: tuple[tuple[type[Exception], int, str, str], ...] = (
    (exceptions.NotAuthenticated, 401, "NOT_SIGNED_IN", "Send the header Authorization: Token <secret>, or sign in."),
    (exceptions.AuthenticationFailed, 401, "BAD_CREDENTIALS", "Make a new token, and send it as Token <secret>."),
    (exceptions.PermissionDenied, 403, "NOT_ALLOWED", "Ask an administrator of your organisation."),
    (DjangoPermissionDenied, 403, "NOT_ALLOWED", "Ask an administrator of your organisation."),
    (
        exceptions.NotFound,
        404,
        "NOT_FOUND",
        "Check the address; what is not yours looks the same as what is not there.",
    ),
    (Http404, 404, "NOT_FOUND", "Check the address; what is not yours looks the same as what is not there."),
    (exceptions.MethodNotAllowed, 405, "METHOD_NOT_ALLOWED", "The schema at /api/v1/schema lists what each takes."),
    (exceptions.UnsupportedMediaType, 415, "NOT_THIS_FORMAT", "Send application/json; files as multipart/form-data."),
    (RequestDataTooBig, 413, "TOO_LARGE", "Send it in smaller parts."),
    (exceptions.ParseError, 400, "UNREADABLE", "Send one JSON object, as RFC 8259 has it, in UTF-8."),
    (SuspiciousOperation, 400, "UNREADABLE", "Send fewer fields."),
    (
        UnknownPeerError,
        409,
        "PEER_UNKNOWN",
        "Search again; if it goes on, this installation's registry lacks the peer.",
    ),
    (UnreadablePostError, 400, "UNREADABLE", "Send the request again; it broke off."),
)
# Sharper words than the table's, for codes that were given when the exception was raised.
SHARPER = {
    "SCOPE_MISSING": "Make a token with this scope.",
    "CSRF_FAILED": "Send the header X-CSRFToken with the value of the csrftoken cookie, or use a token instead of a session.",
}
MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class FieldError:
    """One value that must be put right: its path, what was given, what is wrong with it, and what to write."""

    field: str
    value: str
    problem: str
    fix: str


class Invalid(exceptions.APIException):
    """What was sent can be read and cannot be used; `errors` names each value."""

    status_code = 422

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("invalid")
        self.errors = tuple(errors)


class TooLarge(exceptions.APIException):
    """The body is larger than its address takes."""

    status_code = 413


def answer(error: Exception, _context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: any exception as a problem."""
    set_rollback()
    if isinstance(error, MarketError):
        return from_market(error)
    if isinstance(error, Invalid):
        return from_fields(error)
    if isinstance(error, TooLarge):
        return problem(413, "TOO_LARGE", str(error.detail), fix="Send it in smaller parts.")
    for kind, status, code, fix in FRAMEWORK:
        if isinstance(error, kind):
            return from_framework(error, status, code, fix)
    reference = secrets.token_hex(4)
    log.error("reference %s: the API failed", reference, exc_info=error)
    detail = f"Something failed on our side. Its reference is {reference}."
    return problem(500, "FAULT", detail, fix="Try again; if it goes on, quote the reference.")


def from_market(error: MarketError) -> Response:
    """A refused use case."""
    status = STATUS.get(error.code) or next(status for shape, status in FAMILIES if shape.fullmatch(error.code))
    column = error.details.get("column")
    errors = [reading_error(one) for one in error.details.get("problems", ())]
    if column is not None and not errors:
        errors.append(FieldError(str(column), "", error.message, error.fix))
    return problem(status, error.code, error.message, fix=error.fix, errors=errors)


def reading_error(found: Mapping[str, Any]) -> FieldError:
    """One problem of a list of readings, whose rows count from 1; row 0 is about all of them."""
    path = f"readings[{int(found['row']) - 1}].{found['column']}" if found["row"] else str(found["column"])
    return FieldError(path, str(found["value"]), f"{found['problem']}.", str(found["fix"]))


def from_fields(error: Invalid) -> Response:
    """Values that cannot be used; the detail counts them and repeats the first."""
    first = error.errors[0]
    more = f" {len(error.errors) - 1} more problem(s) follow." if len(error.errors) > 1 else ""
    detail = f"{first.field or 'The request'}: {first.problem}{more}"
    return problem(422, "INVALID", detail, fix=first.fix, errors=error.errors[:MOST_ERRORS])


def from_framework(error: Exception, status: int, code: str, fix: str) -> Response:
    """What DRF or Django refused before any of our own code ran."""
    detail = str(error)
    if isinstance(error, exceptions.APIException) and not isinstance(error.detail, dict | list):
        detail, given = str(error.detail), str(getattr(error.detail, "code", ""))
        code = given if given.isupper() else code
    response = problem(status, code, detail or TITLES[status], fix=SHARPER.get(code, fix))
    challenge = getattr(error, "auth_header", None)
    if status == 401 and challenge:
        response["WWW-Authenticate"] = challenge
    return response


def problem(status: int, code: str, detail: str, *, fix: str = "", errors: Sequence[FieldError] = ()) -> Response:
    """The response. Members that do not apply are left out, except `fix`, which is always there."""
    body: dict[str, Any] = {
        "type": f"urn:caco:problem:{code.lower().replace('_', '-')}",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
        "fix": fix,
    }
    if errors:
        body["errors"] = [asdict(one) for one in errors]
    return Response(body, status=status, content_type=CONTENT_TYPE)

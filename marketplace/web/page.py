"""The frame every page shares: who is looking, their menu, the clock, the environment, and problems in plain words.

It renders; it decides nothing about the market. Each view gives it a template, the place in the menu and its own data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from beckn.registry import UnknownPeerError
from marketplace import clock
from marketplace.models import User
from marketplace.queries.viewer import PLATFORM, Viewer, viewer_of
from marketplace.rules.errors import MarketError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
OPERATOR, GRID, AUDITOR = "OPERATOR", "GRID", "AUDITOR"
ORGANISATION_KEY = "organisation"
# Key, words and route of every menu entry; at most seven a role.
MENUS: dict[str, tuple[tuple[str, str, str], ...]] = {
    OPERATOR: (
        ("home", "Home", "home"),
        ("sites", "Sites", "sites"),
        ("offers", "Offers", "offers"),
        ("orders", "Orders", "orders"),
        ("statements", "Statements", "statements"),
        ("ledger", "Ledger", "ledger"),
        ("operations", "Operations", "operations"),
    ),
    GRID: (
        ("home", "Home", "home"),
        ("catalogue", "Catalogue", "catalogue"),
        ("purchases", "Purchases", "purchases"),
        ("statements", "Statements", "statements"),
        ("tenders", "Tenders", "tenders"),
        ("ledger", "Ledger", "ledger"),
        ("operations", "Operations", "operations"),
    ),
    AUDITOR: (
        ("home", "Home", "home"),
        ("ledger", "Ledger", "ledger"),
        ("orders", "Orders", "orders"),
        ("statements", "Statements", "statements"),
        ("operations", "Operations", "operations"),
    ),
}
MENUS[PLATFORM] = tuple(dict.fromkeys(MENUS[OPERATOR] + MENUS[GRID]))
# What a use case says when it will not: a rule of the market, or a partner the network's registry does not know.
REFUSALS = (MarketError, UnknownPeerError)
# Codes about what was typed; everything else that is refused is about the state of things.
INPUT_CODES = frozenset(
    {"EMPTY_FILE", "FILE_TOO_LARGE", "NOTHING_TO_IMPORT", "ROWS_REFUSED", "BIZ_QUANTITY_UNAVAILABLE"}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a person can put right: what is wrong, what to do, and the field it is about."""

    message: str
    fix: str = ""
    field: str = ""
    status: int = 422


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the rail."""

    name: str
    url: str
    here: bool


def only(*kinds: str) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Let signed-in members of these kinds of organisation in; a page of another role does not exist for the rest."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            viewer = viewer_for(request)
            held = {viewer.kind, *(organisation.kind for organisation in viewer.others)}
            if kinds and PLATFORM not in held and not held.intersection(kinds):
                raise Http404("This page belongs to another role.")
            return view(request, *args, **kwargs)

        @wraps(view)
        def entered(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if "HX-Request" in request.headers and not request.user.is_authenticated:
                return HttpResponse(status=401)  # a redirect would put the sign-in page where a part of this one stood
            return login_required(guarded)(request, *args, **kwargs)

        return entered

    return decorate


def posted(back: str) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A view that only takes a POST. Whoever comes by a link (after signing in again, say) goes to the page `back`."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            return redirect(reverse(back, args=args, kwargs=kwargs))

        return guarded

    return decorate


def user_of(request: HttpRequest) -> User:
    """The signed-in person; only() has made sure that there is one."""
    if not isinstance(request.user, User):
        raise Http404("Nobody is signed in.")
    return request.user


def viewer_for(request: HttpRequest) -> Viewer:
    """Who is looking, worked out once a request."""
    found: Viewer | None = getattr(request, "viewer", None)
    if found is None:
        found = viewer_of(user_of(request), wanted=request.session.get(ORGANISATION_KEY))
        request.viewer = found  # type: ignore[attr-defined]
    return found


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    here: str = "",
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> HttpResponse:
    """Render `template` in the frame. `problems` become the error summary, and set the status when there are any."""
    data = {**frame(request, here), "problems": problems, "problem_of": {p.field: p for p in problems if p.field}}
    if problems and status == 200:
        status = problems[0].status
    return render(request, template, {**data, **(context or {})}, status=status)


def frame(request: HttpRequest, here: str) -> dict[str, Any]:
    """What base.html needs, signed in or not."""
    viewer = viewer_for(request) if request.user.is_authenticated else None
    return {
        "viewer": viewer,
        "menu": menu_of(viewer, here) if viewer else (),
        "environment": settings.ENVIRONMENT,
        "now": clock.now(),
        "clock_simulated": clock.is_simulated(),
        "path": request.get_full_path(),
    }


def public_frame(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs of a page that is the same for everybody, so that it may be cached: nobody is looking."""
    return {
        "viewer": None,
        "menu": (),
        "messages": (),
        "problems": (),
        "problem_of": {},
        "environment": settings.ENVIRONMENT,
        "now": clock.now(),
        "clock_simulated": clock.is_simulated(),
        "path": request.get_full_path(),
    }


def menu_of(viewer: Viewer, here: str) -> tuple[MenuEntry, ...]:
    """The rail of this viewer, with the place they are at marked."""
    return tuple(MenuEntry(name, reverse(route), key == here) for key, name, route in MENUS[viewer.kind])


def problem_from(error: MarketError | UnknownPeerError, *, field: str = "") -> Problem:
    """A refused use case as the error summary shows it: 403 for a role, 422 for input, 409 for the state of things."""
    if isinstance(error, UnknownPeerError):
        fix = "Search again. If it goes on, ask an administrator to look at the registry."
        return Problem("The network's registry does not know this partner now, so nothing was sent.", fix, status=409)
    if error.code == "NOT_ALLOWED":
        status = 403
    else:
        status = 422 if field or error.code in INPUT_CODES or error.code.startswith(("BAD_", "SCH_")) else 409
    return Problem(error.message, error.fix, field, status)


def orders_topic(request: HttpRequest) -> str:
    """The topic of the orders or purchases of the organisation the person acts for."""
    organisation = viewer_for(request).organisation
    return f"orders:{organisation.slug}" if organisation else "operations"


def now() -> datetime:
    """The market's clock, read once a view."""
    return clock.now()


def page_number(request: HttpRequest) -> int:
    """?page= as a number; anything else is the first page."""
    text = request.GET.get("page", "1")
    return int(text) if text.isdigit() and len(text) < 9 else 1


def query_without(request: HttpRequest, *names: str) -> str:
    """The address's filters without `names`, for links to other pages and to the export."""
    kept = [(key, value) for key in request.GET for value in request.GET.getlist(key) if key not in names and value]
    return urlencode(kept)

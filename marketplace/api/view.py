"""The frame every address of the API shares: credentials, scope, size, strict input, lists in slices, problems.

It decides nothing about the market. A view says its scopes, reads its input with `given` or `asked`, makes one call, and
answers with a shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from marketplace import clock
from marketplace.api.body import StrictJson
from marketplace.api.credentials import HoldsScope, SessionWithCsrf, TokenOfOneOrganisation
from marketplace.api.paging import PARAMETERS, Keyset
from marketplace.api.problems import Invalid, TooLarge, answer
from marketplace.api.schema import Described
from marketplace.api.shapes import Input, field_errors
from marketplace.models import Organisation, User
from marketplace.queries.viewer import viewer_of
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError

M = TypeVar("M", bound=Model)
MEBIBYTE = 1024 * 1024
# The pages keep the chosen organisation under the same name.
ORGANISATION_KEY = "organisation"


class AlwaysJson(BaseContentNegotiation):
    """There is one format, so an Accept header changes nothing."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first parser that reads the body's media type, or None."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """JSON."""
        return renderers[0], renderers[0].media_type


class ApiView(GenericAPIView[Any]):
    """Base of every address. Subclasses set `scopes` ({method: scope, "" for any credential}) and `tag`."""

    scopes: ClassVar[dict[str, str]] = {}
    tag: ClassVar[str] = ""
    ordering: ClassVar[str] = "pk"
    most_bytes: ClassVar[int] = MEBIBYTE
    authentication_classes: Sequence[type[BaseAuthentication]] = (TokenOfOneOrganisation, SessionWithCsrf)
    permission_classes: Sequence[type[BasePermission]] = (HoldsScope,)
    parser_classes: Sequence[type[BaseParser]] = (StrictJson,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    pagination_class: type[Keyset] | None = Keyset
    metadata_class = None
    schema = Described()

    def get_exception_handler(self) -> Any:
        """Everything that goes wrong is answered as a problem."""
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The size is checked before anything reads the body, credentials included: CSRF looks for its token there."""
        text = request.META.get("CONTENT_LENGTH") or "0"
        size = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
        if size > self.most_bytes:
            raise TooLarge(f"The request has {size:,} bytes; the most here is {self.most_bytes:,}.")
        if "HTTP_TRANSFER_ENCODING" in request.META and not size:
            raise ParseError("The request does not say how long its body is; send Content-Length.")
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing of it belongs into a shared cache."""
        answered = super().finalize_response(request, response, *args, **kwargs)
        answered["Cache-Control"] = "no-store"
        return answered

    @property
    def person(self) -> User:
        """Who asks; HoldsScope has made sure that there is somebody."""
        user = self.request.user
        if not isinstance(user, User):
            raise NotFound
        return user

    @property
    def organisation(self) -> Organisation | None:
        """The organisation the person acts for: their token's, or the one chosen on the pages."""
        if self.person.acting_for is not None:
            return self.person.acting_for
        return viewer_of(self.person, wanted=self.request.session.get(ORGANISATION_KEY)).organisation

    def acting(self, kind: str) -> Organisation:
        """The organisation the person acts for. Raises MarketError unless it is of `kind`."""
        organisation = self.organisation
        if organisation is None or organisation.kind != kind:
            wanted = Organisation.Kind(kind).label.lower()
            raise MarketError("NOT_ALLOWED", f"Only a {wanted} does this.", fix=f"Use a token of a {wanted}.")
        return organisation

    @property
    def now(self) -> datetime:
        """The market's clock."""
        return clock.now()

    def rows(self, model: type[M]) -> QuerySet[M]:
        """The rows that exist for this person."""
        return visible(model, self.person)

    def find(self, rows: QuerySet[M], **wanted: Any) -> M:
        """The one row of `rows`. Raises NotFound in the noun's name; a foreign row looks the same as a missing one."""
        try:
            found = rows.filter(**wanted).first()
        except (ValueError, ValidationError):
            found = None
        if found is None:
            noun = str(rows.model._meta.verbose_name)
            raise NotFound(f"There is no {noun} {next(iter(wanted.values()))} for you.")
        return found

    def given(self, shape: type[Input]) -> dict[str, Any]:
        """The body through `shape`. Raises Invalid naming each value that must be put right."""
        data = self.request.data
        if not isinstance(data, Mapping):
            raise ParseError(f"The body is a JSON {type(data).__name__}, not an object.")
        return checked(shape(data=data))

    def asked(self, shape: type[Input]) -> dict[str, Any]:
        """The query parameters through `shape`; an unknown one is refused, so that a typing error filters nothing away."""
        given, paging = self.request.query_params, PARAMETERS if self.pagination_class else ()
        return checked(shape(data={name: given[name] for name in given if name not in paging}))

    def listed(self, rows: QuerySet[Any], shape: type[Serializer[Any]], **context: Any) -> Response:
        """A slice of `rows`."""
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(shape(page, many=True, context=context).data)


def checked(given: Serializer[Any]) -> dict[str, Any]:
    """The validated values of a bound serializer. Raises Invalid."""
    if not given.is_valid():
        raise Invalid(list(field_errors(given.errors, given, given.initial_data)))
    return dict(given.validated_data)

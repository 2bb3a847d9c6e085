"""Every address under /api/v1 that does not exist, answered as a problem too."""

from __future__ import annotations

from typing import Any, NoReturn

from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from marketplace.api.view import ApiView


class NothingHere(ApiView):
    """404 for everybody and every method, before credentials are looked at."""

    schema = None  # type: ignore[assignment] # it stands in no document
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises NotFound."""
        raise NotFound(f"There is no address {request.path[:200]}.")

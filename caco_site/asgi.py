"""One port. WebSockets go to Channels, Beckn posts to the raw receive path, everything else to Django over WSGI.

Django's own ASGI handler is left out on purpose: it costs some ten times the CPU of WSGI a request and a new database
connection each time. Pages run in a2wsgi's threads instead, and no other file knows.
"""

from __future__ import annotations

import os
from string import printable
from typing import cast
from urllib.parse import quote_from_bytes

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi_typing import WSGIApp
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
pages = cast(ASGI3Application, WSGIMiddleware(cast(WSGIApp, get_wsgi_application()), workers=settings.WEB_THREADS))

# Only now that Django is set up can what uses its models be imported.
from beckn import receive as beckn_messages  # noqa: E402
from marketplace.live import Live  # noqa: E402

sockets = cast(
    ASGI3Application, AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("ws/live", Live.as_asgi())])))
)
beckn = cast(ASGI3Application, beckn_messages.application)
BECKN = (
    "/beckn/bpp/",
    "/beckn/bap/",
    *(f"/{role}/{side}/" for role in ("bap", "bpp") for side in ("caller", "receiver")),
)
DISCOVERY = ("/beckn/ds/discover", "/beckn/ds/catalog/publish")  # its messages; the rest of it is answered at once


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Send each connection through its door."""
    if scope["type"] == "websocket":
        # Channels answers an unknown path with an exception; a visitor gets a plain refusal.
        await (sockets if scope["path"] == "/ws/live" else refuse)(scope, receive, send)
    elif scope["type"] == "lifespan" or scope["path"].startswith(BECKN) or scope["path"] in DISCOVERY:
        await beckn(scope, receive, send)  # on shutdown it stores what is waiting; nothing else has anything to close
    else:
        # WSGI knows ASCII query strings only; raw bytes in one are escaped as a browser would have done.
        await pages(
            {**scope, "query_string": quote_from_bytes(scope["query_string"], printable).encode()}, receive, send
        )


async def refuse(_: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Close a socket before it opens; the client sees HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 4404, "reason": "there is no socket at this address"})

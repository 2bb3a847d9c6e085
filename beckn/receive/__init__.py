"""The raw receive path: POST /beckn/<role>/<action> as one ASGI application, beside Django and not through it.

A message is checked on the event loop (about 0.3 ms), stored by one writer thread that commits everything waiting in one
transaction, and acknowledged only after that commit. `application` takes scopes of type http, and lifespan when it is
served alone. Django must be set up before this package is imported.
"""

from beckn.receive.door import application

__all__ = ["application"]

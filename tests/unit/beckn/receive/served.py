"""The receive path alone, as uvicorn serves it in tests."""

import django

django.setup()

from beckn.receive import application  # noqa: E402

__all__ = ["application"]

"""A fake participant for everybody's tests: it has its own key, registers itself, signs, posts, records and acknowledges.

It speaks through real sockets and knows nothing of any application. Never imported by the product.
"""

from beckn.testing.listener import Listener, Received
from beckn.testing.participant import Participant

__all__ = ["Listener", "Participant", "Received"]

"""A local application behind our participant: what it has us say is signed by us, and what is said to it is verified by us.

The market is one application above the protocol (beckn.ports); this room serves another one, over HTTP. It decides who may use
the unsigned side, what of it is said in our name, and whose a received message is. It knows nothing of the market, but for
one thing: a deal belongs to whoever began it, and neither may speak in the other's.
"""

"""A discovery and catalogue service: sellers publish to it, buyers search it, subscribe to it and pull from it.

It is the network's third role, `ds`, with keys of its own, so that a network can run with nobody else there. It knows
catalogues as they stand on the wire, and nothing of what is sold in them. Messages that are answered by a callback come
through the inbox (handlers); what is answered at once comes in as a signed HTTP request (views).
"""

"""Beckn 1.1 and back: every message of 2.0.0 LTS that we speak has a form in 1.1, and every form has its message.

Two directions, `to_v1` and `to_v2`, over parsed bodies (numbers int or Decimal). What 1.1 has no word for travels in a tag
group `beckn-v2` as JSON text, so that 2.0.0 -> 1.1 -> 2.0.0 gives back exactly what went in; what a peer writes by hand
needs no such tag. One noun a file. Nothing here knows who is asking, or remembers: a contract that a message leaves out is
handed in by the caller.
"""

"""The product: doors, use cases, queries, events, ledger, models and rules, in that order from top to bottom.

It must not know how messages are signed (beckn) or how plans are solved (flex_engine).
"""

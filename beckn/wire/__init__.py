"""Beckn 2.0.0 LTS as bytes and words: JSON, envelope, signatures, receipts, schemas, error codes.

Pure: no Django, no network, no database, no clock. Whatever needs one of these is told by its caller.
"""

"""Composition: settings, entrances and the supervisor. It must not know rules or models."""

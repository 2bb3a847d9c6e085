"""JSONPath filters of strangers: read by a whitelisted grammar, walked within a budget, never evaluated as code.

Both dialects in use are understood. RFC 9535 tests the children of a node (`$.catalogs[*].resources[?(@.a == 'x')]`);
SQL/JSON tests the nodes themselves (`$.catalogs[*].resources[*] ? (@.a == "x")`) and looks into lists by itself. Neither
functions nor regular expressions are taken. This room knows JSON values and nothing of what they mean.
"""

from beckn.wire.jsonpath.grammar import Deep, JSONPathError, Name, Path
from beckn.wire.jsonpath.parse import parse
from beckn.wire.jsonpath.walk import Budget, find, select

__all__ = ["Budget", "Deep", "JSONPathError", "Name", "Path", "find", "parse", "select"]

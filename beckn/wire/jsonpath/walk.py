"""Walking a path over JSON values. Every node looked at is paid from a budget, so that no expression takes for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import eq, ge, gt, le, lt

from beckn.wire.jsonpath.grammar import (
    All,
    Compare,
    Condition,
    Deep,
    Exists,
    Index,
    Json,
    JSONPathError,
    Literal,
    Name,
    Not,
    OneOf,
    Path,
    Step,
    Where,
    Wild,
)

Location = tuple[str | int, ...]
Node = tuple[Location, Json]
RELATIONS: dict[str, Callable[[Json, Json], bool]] = {"==": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
ORDERED = ("number", "text")
KINDS = {bool: "truth", int: "number", Decimal: "number", float: "number", str: "text", type(None): "null"}


@dataclass(slots=True)
class Budget:
    """How many nodes may still be looked at."""

    left: int

    def spend(self, nodes: int = 1) -> None:
        """Pay for nodes. Raises JSONPathError when there is nothing left."""
        self.left -= nodes
        if self.left < 0:
            raise JSONPathError("it looks at more values than one search may; make it narrower")


def select(path: Path, root: Json, budget: Budget) -> list[Location]:
    """Where in `root` the path leads, in order."""
    nodes: list[Node] = [((), root)]
    for step in path.steps:
        nodes = list(walk(nodes, step, budget))
    budget.spend(len(nodes))
    return [location for location, _ in nodes]


def find(path: Path, root: Json, budget: Budget) -> list[Json]:
    """The values that the path leads to from `root`."""
    values = [root]
    for step in path.steps:
        values = follow(values, step, path.lax, budget)
    return values


def walk(nodes: Sequence[Node], step: Step, budget: Budget) -> Iterator[Node]:
    """One step from each node, with locations."""
    for location, value in nodes:
        budget.spend()
        if isinstance(step, Where):
            if holds(step.condition, value, budget):
                yield location, value
        elif isinstance(step, Deep):
            yield from below(location, value, budget)
        else:
            yield from (((*location, key), child) for key, child in children(value, step))


def follow(values: Sequence[Json], step: Step, lax: bool, budget: Budget) -> list[Json]:
    """One step from each value. In lax paths a member is looked for in the items of a list, too."""
    budget.spend(len(values))
    if isinstance(step, Where):
        return [value for value in values if holds(step.condition, value, budget)]
    if isinstance(step, Deep):
        return [inner for value in values for _, inner in below((), value, budget)]
    if lax and isinstance(step, Name):
        values = unwrapped(values)
    return [child for value in values for _, child in children(value, step)]


def unwrapped(values: Sequence[Json]) -> list[Json]:
    """Lists replaced by their items."""
    return [item for value in values for item in (value if isinstance(value, list) else (value,))]


def children(value: Json, step: Name | Index | Wild) -> Iterator[tuple[str | int, Json]]:
    """(key, child) of those children that the step asks for."""
    if isinstance(step, Name):
        if isinstance(value, dict) and step.name in value:
            yield step.name, value[step.name]
    elif isinstance(step, Index):
        if isinstance(value, list) and -len(value) <= step.at < len(value):
            yield step.at % len(value), value[step.at]
    elif isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from value.items()


def below(location: Location, value: Json, budget: Budget) -> Iterator[Node]:
    """The node and everything under it, depth first."""
    waiting: list[Node] = [(location, value)]
    while waiting:
        at, node = waiting.pop()
        budget.spend()
        yield at, node
        waiting += [((*at, key), child) for key, child in children(node, Wild())][::-1]


def holds(condition: Condition, node: Json, budget: Budget) -> bool:
    """Whether the condition holds for a node."""
    if isinstance(condition, Compare):
        return compare(condition, operand(condition.left, node, budget), operand(condition.right, node, budget), budget)
    if isinstance(condition, All):
        return all(holds(part, node, budget) for part in condition.parts)
    if isinstance(condition, Not):
        return not holds(condition.inner, node, budget)
    if isinstance(condition, Exists):
        return bool(find(condition.path, node, budget))
    if isinstance(condition, OneOf):
        left = operand(condition.left, node, budget)
        return any_pair("==", left, [one.value for one in condition.among], budget)
    return any(holds(part, node, budget) for part in condition.parts)


def operand(side: Path | Literal, node: Json, budget: Budget) -> list[Json]:
    """The values of one side."""
    if isinstance(side, Literal):
        return [side.value]
    found = find(side, node, budget)
    return unwrapped(found) if side.lax else found


def compare(test: Compare, left: list[Json], right: list[Json], budget: Budget) -> bool:
    """RFC 9535: unequal is the opposite of equal, and nothing equals nothing. SQL/JSON: some pair must be unequal."""
    if test.op != "!=":
        return any_pair(test.op, left, right, budget) or (test.op == "==" and not test.lax and not left and not right)
    if test.lax:
        budget.spend(len(left) * len(right))
        return any(kind(a) == kind(b) != "" and a != b for a in left for b in right)
    return not compare(Compare("==", test.left, test.right, test.lax), left, right, budget)


def any_pair(op: str, left: list[Json], right: list[Json], budget: Budget) -> bool:
    """Whether any two values of one kind stand in the relation. Only texts and numbers are ordered."""
    budget.spend(len(left) * len(right))
    relation = RELATIONS[op]
    return any(
        (same := kind(a)) == kind(b) and same != "" and (op == "==" or same in ORDERED) and relation(a, b)
        for a in left
        for b in right
    )


def kind(value: Json) -> str:
    """What a value can be compared with; lists and objects with nothing."""
    return KINDS.get(type(value)) or ("text" if isinstance(value, str) else "")

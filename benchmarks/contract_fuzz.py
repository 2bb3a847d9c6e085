"""Every proof the audit contract may be shown, and long random play: python -m benchmarks.contract_fuzz.

    --corrupted 10000   proofs that claim something false, put to verifyConsistency and verifyInclusion: none may be believed
    --games 50          runs of benchmarks.contract_machine (C1 to C9), of --steps calls each

All pairs of sizes up to 40 come first: every true growth must be accepted. The Python verifier must say the same of each claim.
Exit 1 when anything is believed or refused wrongly.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from time import perf_counter

from benchmarks.contract_gas import Log
from marketplace.ledger import merkle

LARGEST = 40
LEAVES = [merkle.leaf_hash(b"entry %d" % i) for i in range(LARGEST + 1)]
OTHER = [merkle.leaf_hash(b"another entry %d" % i) for i in range(LARGEST + 1)]
ROOTS = [merkle.root(LEAVES[:n]) for n in range(LARGEST + 2)]
OTHER_ROOTS = [merkle.root(OTHER[:n]) for n in range(LARGEST + 2)]
Growth = tuple[int, bytes, int, bytes, list[bytes]]
Inclusion = tuple[bytes, int, int, bytes, list[bytes]]


def growths(largest: int) -> Iterator[Growth]:
    """Every true claim that one tree extends another, of trees of up to `largest` leaves."""
    for new in range(1, largest + 1):
        for old in range(1, new + 1):
            yield old, ROOTS[old], new, ROOTS[new], merkle.consistency_proof(LEAVES[:new], old)


def flipped(rng: random.Random, hash_: bytes) -> bytes:
    """One bit changed."""
    return (int.from_bytes(hash_, "big") ^ 1 << rng.randrange(256)).to_bytes(32, "big")


def spoiled(rng: random.Random, proof: list[bytes]) -> list[bytes]:
    """A proof that is not this one: a bit, a hash, the order or the length changed."""
    at = rng.randrange(len(proof) + 1)
    kind = rng.randrange(5)
    if kind == 0 or not proof:
        return [*proof[:at], rng.randbytes(32), *proof[at:]]
    at %= len(proof)
    if kind == 1:
        return proof[:at] + proof[at + 1 :]
    if kind == 2 and proof[::-1] != proof:
        return proof[::-1]
    if kind == 3:
        return [*proof, proof[at]]
    return [*proof[:at], flipped(rng, proof[at]), *proof[at + 1 :]]


def false_growth(rng: random.Random) -> Growth:
    """A claim that is not true, made from one that is."""
    old, new = sorted(rng.sample(range(1, LARGEST + 1), 2))
    proof = merkle.consistency_proof(LEAVES[:new], old)
    return [
        (old, ROOTS[old], new, ROOTS[new], spoiled(rng, proof)),
        (old, flipped(rng, ROOTS[old]), new, ROOTS[new], proof),
        (old, ROOTS[old], new, flipped(rng, ROOTS[new]), proof),
        (old, OTHER_ROOTS[old], new, ROOTS[new], proof),
        (old, ROOTS[old], new, OTHER_ROOTS[new], merkle.consistency_proof(OTHER[:new], old)),
        (new, ROOTS[new], old, ROOTS[old], proof),
        (old, ROOTS[old], new, merkle.root([OTHER[0], *LEAVES[1:new]]), proof),
        (old, ROOTS[new], new, ROOTS[new], proof),
    ][rng.randrange(8)]


def false_inclusion(rng: random.Random) -> Inclusion:
    """A leaf that does not stand where it is said to."""
    size = rng.randint(2, LARGEST)
    index = rng.randrange(size)
    proof, other = merkle.inclusion_proof(LEAVES[:size], index), rng.randrange(size - 1)
    return [
        (LEAVES[index], index, size, ROOTS[size], spoiled(rng, proof)),
        (OTHER[index], index, size, ROOTS[size], proof),
        (LEAVES[index], other + (other >= index), size, ROOTS[size], proof),
        (LEAVES[index], index, size, flipped(rng, ROOTS[size]), proof),
        (LEAVES[index], size + rng.randrange(3), size, ROOTS[size], proof),
        (ROOTS[size], 0, 1 + rng.randint(1, 3), ROOTS[size], []),
    ][rng.randrange(6)]


def grows(log: Log, claim: Growth) -> tuple[bool, bool]:
    """What the contract and the Python verifier say of a growth."""
    old, old_root, new, new_root, proof = claim
    ours = merkle.verify_consistency(old_size=old, new_size=new, old_root=old_root, new_root=new_root, proof=proof)
    return log.ask("verifyConsistency", *claim), ours


def includes(log: Log, claim: Inclusion) -> tuple[bool, bool]:
    """The same of an inclusion."""
    leaf, index, size, root, proof = claim
    ours = merkle.verify_inclusion(leaf=leaf, index=index, size=size, root=root, proof=proof)
    return log.ask("verifyInclusion", *claim), ours


def refused_truths(log: Log, largest: int) -> tuple[int, int]:
    """How many true growths there are, and how many of them either verifier refuses."""
    said = [grows(log, claim) for claim in growths(largest)]
    return len(said), sum(one != (True, True) for one in said)


def believed_lies(log: Log, count: int, seed: int) -> int:
    """How many of so many false claims either verifier believes; four in five are growths."""
    rng = random.Random(seed)
    return sum(
        (grows(log, false_growth(rng)) if rng.random() < 0.8 else includes(log, false_inclusion(rng))) != (False, False)
        for _ in range(count)
    )


def main() -> None:
    """Read the command line, run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contract_fuzz", description=__doc__)
    parser.add_argument("--corrupted", type=int, default=10_000)
    parser.add_argument("--games", type=int, default=50)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=6962)
    wanted, begun = parser.parse_args(), perf_counter()
    log = Log()
    count, refused = refused_truths(log, LARGEST)
    print(f"{count - refused} of {count} true growths of up to {LARGEST} leaves accepted")
    believed = believed_lies(log, wanted.corrupted, wanted.seed)
    print(f"{believed} of {wanted.corrupted} corrupted proofs accepted")
    play(wanted.games, wanted.steps, wanted.seed)
    print(
        f"{wanted.games} games of up to {wanted.steps} calls: the contract did as the model said, {perf_counter() - begun:.0f} s"
    )
    sys.exit(1 if refused or believed else 0)


def play(games: int, steps: int, seed: int) -> None:
    """Random games. Raises hypothesis's report of the shortest one that went wrong."""
    from hypothesis import HealthCheck, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import run_state_machine_as_test

    from benchmarks.contract_machine import AuditLog

    profile = settings(
        max_examples=games, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seeded(seed)(AuditLog), settings=profile)


if __name__ == "__main__":
    main()

"""The log as everybody may read it: heads, leaves and proofs. Hashes, times and types; nobody's name, place or money.

It reads the published files and the heads' rows. What a person may read of an entry beyond its leaf is queries.ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from marketplace.ledger import checkpoint, merkle
from marketplace.ledger.deployment import deployment
from marketplace.ledger.log import log_size
from marketplace.ledger.onchain import ChainError
from marketplace.ledger.published import folder, own_key, published_tree
from marketplace.ledger.tiles import TilesError, Tree, leaf_at
from marketplace.models import Anchor, LedgerEntry
from marketplace.queries.pages import Page, page_of

NO_CHAIN = "NO_CHAIN"
# Until a head is final it is no more than on its way, whatever stage it has reached.
STATES = {
    Anchor.State.PENDING: ("PENDING", "Waiting to be sent"),
    Anchor.State.SIGNED: ("PENDING", "Waiting to be sent"),
    Anchor.State.FINAL: ("FINAL", "Anchored"),
    Anchor.State.FAILED: ("FAILED", "Failed"),
}
SUBMITTED = ("SENT", "Submitted")
PAGE = 20


@dataclass(frozen=True, slots=True)
class PublicHead:
    """A tree head and where it stands. `transaction` is empty until it was sent; `extends` is the size of the one before."""

    number: int
    size: int
    root: str
    at: datetime
    state: str
    state_name: str
    transaction: str
    block: int | None
    extends: int | None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness's cosignature of the standing checkpoint: by whom, and when the witness says it gave it."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """The standing checkpoint: what the files below /audit/log come to."""

    size: int
    root: str
    note: str
    witnesses: tuple[Cosigned, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a hash, a transaction or a number turned out to be."""

    what: str
    entry: int | None
    head: PublicHead | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The public page. `fault` says why no checkpoint is shown; `asked` is what was searched for."""

    heads: Page[PublicHead]
    newest: PublicHead | None
    anchored: PublicHead | None
    published: Published | None
    fault: str
    numbered: int
    has_chain: bool
    chain_id: int | None
    contract: str
    origin: str
    key: str
    asked: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step up the tree: the hash at hand, its sibling, on which side that stands, and the hash of both. y in the drawing."""

    mine: str
    sibling: str
    left: bool
    above: str
    y: int


@dataclass(frozen=True, slots=True)
class LeafPage:
    """One published entry: its leaf, and the path that leads from it to the checkpoint's root."""

    seq: int
    type: str
    at: str
    leaf: str
    leaf_hash: str
    prev_hash: str
    size: int
    root: str
    steps: tuple[Step, ...]
    height: int
    head: PublicHead | None
    has_chain: bool


def audit_page(number: int, asked: str) -> AuditPage:
    """Page `number` of the heads, the checkpoint, and what `asked` turned out to be."""
    rows = Anchor.objects.filter(kind=Anchor.Kind.HEAD).order_by("-seq")
    before = Anchor.objects.filter(kind=Anchor.Kind.HEAD, seq=OuterRef("seq") - 1).values("size")[:1]
    newest, anchored = rows.first(), rows.filter(state=Anchor.State.FINAL).first()
    standing, fault = standing_checkpoint()
    chain_id, contract = contract_place()
    return AuditPage(
        heads=page_of(rows.annotate(before=Subquery(before)), number, public_head, size=PAGE),
        newest=public_head(newest) if newest else None,
        anchored=public_head(anchored) if anchored else None,
        published=standing,
        fault=fault,
        numbered=log_size(),
        has_chain=has_chain(),
        chain_id=chain_id,
        contract=contract,
        origin=settings.LEDGER_LOG_ID,
        key=log_key(),
        asked=asked,
        found=found(asked),
    )


def has_chain() -> bool:
    """Whether heads are anchored anywhere at all."""
    return bool(settings.CHAIN_RPC_URL != "none")


def contract_place() -> tuple[int | None, str]:
    """Chain and address of the contract; neither while there is none."""
    try:
        where = deployment() if has_chain() else None
    except ChainError:
        return None, ""
    return (where.chain_id, where.address) if where else (None, "")


def log_key() -> str:
    """The verifier key of the checkpoints; empty where no files are kept, or before the first."""
    if settings.LEDGER_DIR is None or not settings.CHECKPOINT_KEY_FILE.exists():
        return ""
    return own_key().public.text()


def public_head(row: Anchor) -> PublicHead:
    """A head's row for everybody; why a head failed is for those who run the installation."""
    state, name = STATES.get(Anchor.State(row.state), SUBMITTED)
    if not has_chain() and state != "FINAL":
        state, name = NO_CHAIN, "No chain"
    return PublicHead(
        number=row.seq or 0,
        size=row.size or 0,
        root=row.root,
        at=row.created_at,
        state=state,
        state_name=name,
        transaction=row.tx_hash,
        block=row.block_number,
        extends=getattr(row, "before", None),
    )


def standing_checkpoint() -> tuple[Published | None, str]:
    """The standing checkpoint, or why there is none to show."""
    if settings.LEDGER_DIR is None:
        return None, "This installation keeps no files of its log (CACO_LOG_DIR is none)."
    try:
        standing = published_tree()
    except TilesError:
        return None, "The published files are damaged. Nothing of them is shown until a person has looked."
    if standing is None:
        return None, "Nothing has been published yet. The first entries follow within a minute of the first event."
    made = standing[0]
    witnesses = tuple(Cosigned(one.name, cosigned_at(one)) for one in made.signatures if len(one.value) == 72)
    return Published(made.head.size, made.head.root.hex(), made.note(), witnesses), ""


def cosigned_at(signature: checkpoint.Signature) -> datetime:
    """When a witness says that it cosigned."""
    seconds = int.from_bytes(signature.value[:8], "big")
    return datetime.fromtimestamp(min(seconds, 4_102_444_800), UTC)


def found(asked: str) -> tuple[Found, ...]:
    """What of the log has this leaf hash, root, transaction or number. Case and a leading 0x do not matter."""
    text = asked.strip().lower().removeprefix("0x")
    if text.isascii() and text.isdecimal() and len(text) < 18:
        number = int(text)
        return (Found("an entry's number", number, None),) if number < log_size() else ()
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        return ()
    matches = []
    entry = LedgerEntry.objects.filter(leaf_hash=text).values_list("seq", flat=True).first()
    if entry is not None:
        matches.append(Found("the leaf hash of an entry", entry, None))
    rows = Anchor.objects.filter(kind=Anchor.Kind.HEAD).filter(Q(root=text) | Q(tx_hash=f"0x{text}"))
    for row in rows.order_by("seq")[:PAGE]:
        what = "the root of a tree head" if row.root == text else "the transaction of a tree head"
        matches.append(Found(what, None, public_head(row)))
    return tuple(matches)


def leaf_page(seq: int) -> LeafPage | None:
    """Entry `seq` with its path under the standing checkpoint; None when it is not published. Raises TilesError."""
    standing, public = published_tree(), folder("public")
    if standing is None or public is None or not 0 <= seq < standing[0].head.size:
        return None
    head, tree = standing[0].head, standing[1]
    leaf = leaf_at(public, seq, head.size)
    told = orjson.loads(leaf)
    steps = path_steps(leaf, seq, tree)
    covering = Anchor.objects.filter(kind=Anchor.Kind.HEAD, size__gt=seq).order_by("size").first()
    return LeafPage(
        seq=seq,
        type=told["type"],
        at=told["at"],
        leaf=leaf.decode(),
        leaf_hash=merkle.leaf_hash(leaf).hex(),
        prev_hash=told["prev"],
        size=head.size,
        root=head.root.hex(),
        steps=steps,
        height=STEP * len(steps) + 60,
        head=public_head(covering) if covering else None,
        has_chain=has_chain(),
    )


STEP = 72  # between two levels of the drawing


def path_steps(leaf: bytes, seq: int, tree: Tree) -> tuple[Step, ...]:
    """The path from the leaf to the root, one step for each sibling; the root stands at the top of the drawing."""
    siblings = tree.inclusion_proof(seq)
    mine, steps, position, last = merkle.leaf_hash(leaf), list[Step](), seq, tree.size - 1
    for n, sibling in enumerate(siblings):
        left = bool(position & 1 or position == last)
        above = merkle.node_hash(sibling, mine) if left else merkle.node_hash(mine, sibling)
        steps.append(Step(mine.hex(), sibling.hex(), left, above.hex(), STEP * (len(siblings) - n)))
        if left:
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        position, last, mine = position >> 1, last >> 1, above
    return tuple(steps)


def proof_file(seq: int) -> str | None:
    """The tlog-proof of entry `seq` under the standing checkpoint; None when it is not published. Raises TilesError."""
    standing = published_tree()
    if standing is None or not 0 <= seq < standing[0].head.size:
        return None
    return checkpoint.proof_text(standing[0].note(), index=seq, path=standing[1].inclusion_proof(seq))


def consistency_file(old: int, new: int) -> str | None:
    """The hashes that show how the log of `old` entries is a prefix of that of `new`; None beyond what is published."""
    standing = published_tree()
    if standing is None or not 0 < old <= new <= standing[0].head.size:
        return None
    proof: Sequence[bytes] = standing[1].consistency_proof(old, new)
    roots = [f"old {old} {standing[1].root(old).hex()}", f"new {new} {standing[1].root(new).hex()}"]
    return "\n".join([*roots, *(one.hex() for one in proof)]) + "\n"

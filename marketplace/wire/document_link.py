"""The address at which a buyer elsewhere reads its contract document without an account here: signed, and open for a time.

The signature is over order, version, last moment and the hash of the document's bytes, with the installation's secret key:
who was not sent the address cannot make one, and it opens nothing but these bytes. It ends with the settlement of the
order: a final dispute run can still be made 28 months after its day.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer

from marketplace.models import ContractDocument

OPEN_FOR = timedelta(
    days=29 * 31
)  # from the end of the ordered window: 28 months and the time to read the last statement
SIGNER = Signer(salt="contract-document")


def document_link(document: ContractDocument) -> str:
    """The whole address; the same for the same document, whenever it is asked for."""
    last = int((document.order.offer.end_at + OPEN_FOR).timestamp())
    return f"{settings.PUBLIC_URL}/contract-documents/{document.order_id}/{document.version}/{last}/{signature(document, last)}"


def signature(document: ContractDocument, last: int) -> str:
    """The signature of the address, over the bytes as they are kept and not over what is written of them."""
    return SIGNER.signature(told(document, last))


def opens(document: ContractDocument, *, last: int, signed: str, now: datetime) -> bool:
    """Whether the address is one of ours, is still open at `now`, and the bytes are those that it was made for."""
    digest = hashlib.sha256(bytes(document.body)).hexdigest()
    try:
        SIGNER.unsign(f"{told(document, last)}{SIGNER.sep}{signed}")
    except BadSignature:
        return False
    return digest == document.sha256 and now.astimezone(UTC).timestamp() < last


def told(document: ContractDocument, last: int) -> str:
    """What is signed."""
    digest = hashlib.sha256(bytes(document.body)).hexdigest()
    return f"{document.order_id}/{document.version}/{last}/{digest}"

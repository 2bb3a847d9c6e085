"""Evidence packs: taking one away, and the public page that verifies one in the reader's own browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.ledger import reader
from marketplace.ledger.deployment import deployment
from marketplace.ledger.evidence_scope import Scope
from marketplace.ledger.onchain import ChainError
from marketplace.queries.evidence import sight_of
from marketplace.rules.errors import MarketError
from marketplace.usecases.export_evidence import Exported, export_evidence
from marketplace.web.page import Problem, now, only, page, posted, problem_from, public_frame, user_of

WHOLE = Scope()


@require_safe
def verify_pack(request: HttpRequest) -> HttpResponse:
    """Choose a pack and have it verified by a script of this page. Nothing is uploaded, and nobody signs in."""
    response = render(request, "audit/verify.html", public_frame(request))
    response["Cache-Control"] = "public, max-age=60"
    return response


@posted("ledger")
@only()
def pack(request: HttpRequest) -> HttpResponseBase:
    """A pack of what this person may see, to keep."""
    with tempfile.TemporaryDirectory(prefix="caco-pack-") as folder:
        out = Path(folder) / "pack.zip"
        try:
            made = exported(request, out)
        except MarketError as problem:
            return page(request, "ledger/no_pack.html", here="ledger", problems=(problem_from(problem),))
        except ChainError as problem:
            told = Problem(f"The chain could not be asked: {problem}", "Try again in a minute.", status=503)
            return page(request, "ledger/no_pack.html", here="ledger", problems=(told,))
        file = out.open("rb")  # the response closes it; its name may go before
    return FileResponse(file, as_attachment=True, filename=f"caco-pack-head-{made.head}.zip")


def exported(request: HttpRequest, out: Path) -> Exported:
    """The pack, written to `out`. Raises MarketError or ChainError."""
    chain = reader.installed()
    return export_evidence(
        sight=sight_of(user_of(request)),
        scope=WHOLE,
        out=out,
        chain=chain,
        code_hash=deployment().code_hash if chain else "",
        now=now(),
    )

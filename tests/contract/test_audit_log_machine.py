"""Any calls in any order by any role: the contract does what the model beside it says, and what stands never changes.

`python -m benchmarks.contract_fuzz` runs the same machine for longer, and every proof there is.
"""

from __future__ import annotations

from hypothesis import settings

from benchmarks.contract_fuzz import believed_lies, refused_truths
from benchmarks.contract_gas import Log
from benchmarks.contract_machine import AuditLog


def test_every_true_growth_is_accepted_and_no_corrupted_proof_by_the_contract_or_the_verifier_in_python() -> None:
    log = Log()
    assert refused_truths(log, 15) == (120, 0)
    assert believed_lies(log, 200, seed=6962) == 0


TestAuditLog = AuditLog.TestCase
TestAuditLog.settings = settings(max_examples=4, stateful_step_count=25, deadline=None)

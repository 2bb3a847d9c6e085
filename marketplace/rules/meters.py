"""What may stand as a site's meters: numbers with their check digit, import and export of one GSP group, days that fit.

Pure: which numbers others hold on those days is for the database to say.
"""

from __future__ import annotations

from datetime import date

from flex_engine.settle.metering_ids import GSP_GROUPS, msid_fault
from marketplace.rules.errors import MarketError


def check_msid(msid: str, *, column: str = "msid") -> None:
    """Raise MarketError BAD_MSID unless `msid` is 13 digits, the last of them the check digit."""
    fault = msid_fault(msid)
    if fault:
        raise MarketError(
            "BAD_MSID",
            f"The meter number {msid!r} {fault}.",
            fix="Copy the 13 digits of the MPAN core from the bill or the meter operator.",
            details={"column": column},
        )


def check_pair(
    *, import_msid: str, export_msid: str, amsid: str, gsp_group: str, effective_from: date, effective_to: date | None
) -> None:
    """Raise MarketError BAD_MSID unless the numbers, the GSP group and the days can stand together."""
    check_msid(import_msid, column="import_msid")
    for column, msid in (("export_msid", export_msid), ("amsid", amsid)):
        if msid:
            check_msid(msid, column=column)
    given = [one for one in (import_msid, export_msid, amsid) if one]
    if len(set(given)) < len(given):
        raise MarketError("BAD_MSID", "Two of the meters have the same number.", fix="Each meter has its own.")
    if gsp_group not in GSP_GROUPS:
        raise MarketError(
            "BAD_MSID",
            f"{gsp_group!r} is no GSP group.",
            fix=f"Write one of {', '.join(GSP_GROUPS)}.",
            details={"column": "gsp_group"},
        )
    if effective_to is not None and effective_to <= effective_from:
        raise MarketError(
            "BAD_MSID",
            f"The last day {effective_to} is not after the first, {effective_from}.",
            fix="Leave the end open, or choose a later day.",
            details={"column": "effective_to"},
        )

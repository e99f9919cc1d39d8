"""The closing table of a run, and its results as JSON and Markdown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from regimes.claim import Claim
from regimes.engine import Settings, provenance
from regimes.verify import ControlResult, Decided, PropertyResult

SCHEMA = 1


def property_record(claim: Claim, result: PropertyResult) -> dict[str, Any]:
    """The JSON-able record of a property item."""
    tight = tightest(claim, result)
    return {
        "item": "property",
        "verdict": result.verdict,
        "cases": len(result.decided),
        "undecided_cases": result.undecided,
        "replicates": result.replicates,
        "seconds": result.seconds,
        "tightest": None if tight is None else [tight.evidence.estimate, tight.evidence.target],
        "refuted_at": None if result.refuted is None else dict(result.refuted.case),
        "decided": [
            {"case": dict(one.case), "evidence": one.evidence.as_dict(), "seconds": one.seconds}
            for one in result.decided
        ],
    }


def control_record(result: ControlResult) -> dict[str, Any]:
    """The JSON-able record of a control item."""
    return {
        "item": "control",
        "control": result.name,
        "verdict": result.verdict,
        "cases": result.cases,
        "replicates": result.replicates,
        "seconds": result.seconds,
        "witness": None if result.case is None else dict(result.case),
        "evidence": None if result.evidence is None else result.evidence.as_dict(),
    }


def in_words(claim: str, record: dict[str, Any]) -> dict[str, str]:
    """The properties of an item in a JUnit file: `claim`, `control` of a control, `verdict`, `case` and `evidence`.

    Case and evidence are those that decided the verdict: a refuted case, a control's witness, else the last case.
    """
    if record["item"] == "control":
        case, evidence = record["witness"], record["evidence"]
    else:
        alike = [one for one in record["decided"] if one["evidence"]["verdict"] == record["verdict"]] or record["decided"]
        case, evidence = (alike[-1]["case"], alike[-1]["evidence"]) if alike else (None, None)
    words = {"claim": claim, **({"control": record["control"]} if "control" in record else {}), "verdict": record["verdict"]}
    if case is not None:
        words["case"] = ", ".join(f"{name}={value}" for name, value in case.items())
    if evidence is not None:
        words["evidence"] = f"{evidence['reason']} (error budget {evidence['error']:.2g})"
    return words


def tightest(claim: Claim, result: PropertyResult) -> Decided | None:
    """The decided case that came nearest to refuting the claim.

    An equality is nearest where the estimate is farthest from the target, a one-sided statement where it is
    closest to it; of an identity or a trajectory the estimate is the largest residual, which a tolerance bounds.
    """
    numbers = [one for one in result.decided if one.evidence.estimate is not None and one.evidence.target is not None]
    if not numbers:
        return None

    def distance(one: Decided) -> float:
        assert one.evidence.estimate is not None and one.evidence.target is not None
        return abs(one.evidence.estimate - one.evidence.target)

    equality = claim.kind.name in ("law", "scaling") or (
        getattr(claim.kind, "equals", None) is not None
    )
    return max(numbers, key=distance) if equality else min(numbers, key=distance)


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per claim, in the order in which claims first reported."""
    table: dict[str, dict[str, Any]] = {}
    for result in results:
        row = table.setdefault(
            result["claim"],
            {"claim": result["claim"], "cases": 0, "replicates": 0, "verdict": "-", "tightest": "-", "killed": 0,
             "controls": 0, "seconds": 0.0},
        )  # fmt: skip
        row["seconds"] += result["seconds"]
        row["replicates"] += result["replicates"]
        if result["item"] == "property":
            row["cases"], row["verdict"] = result["cases"], result["verdict"]
            if result["undecided_cases"]:
                row["verdict"] += f" ({result['undecided_cases']} undecided)"
            if result["tightest"] is not None:
                estimate, target = result["tightest"]
                row["tightest"] = f"{estimate:.4g} vs {target:.4g}"
        else:
            row["controls"] += 1
            row["killed"] += result["verdict"] == "killed"
    return list(table.values())


HEADS = ("claim", "cases", "replicates", "verdict", "tightest margin", "controls killed", "time")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["claim"], str(row["cases"]), f"{row['replicates']:,}", row["verdict"], row["tightest"],
        f"{row['killed']}/{row['controls']}", f"{row['seconds']:.1f} s",
    )  # fmt: skip


def closing_table(results: list[dict[str, Any]]) -> str:
    """The closing table as text: claim, cases, replicates, verdict, tightest margin, controls killed, time."""
    lines = [HEADS, *(_cells(row) for row in rows(results))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "  ".join("-" * width for width in widths), *text[1:]])


def write_results(folder: Path, results: list[dict[str, Any]], settings: Settings, profile: str) -> list[Path]:
    """Write `results.json` (schema, provenance, every record) and `summary.md` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"schema": SCHEMA, "profile": profile, "provenance": provenance(settings), "results": results}
    (folder / "results.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    table = [HEADS, ("---",) * len(HEADS), *(_cells(row) for row in rows(results))]
    markdown = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table)
    (folder / "summary.md").write_text(f"# Claims\n\n{markdown}\n", encoding="utf-8")
    return [folder / "results.json", folder / "summary.md"]

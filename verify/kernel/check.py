"""From a path to a verdict. Nothing else comes out, whatever the file holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from verify.kernel.certificate import Certificate, Progress, read_certificate
from verify.kernel.deployed import DeployedClaim
from verify.kernel.edit import EditClaim, Violation
from verify.kernel.farkas import FarkasObstruction
from verify.kernel.line_obstruction import LineObstruction
from verify.kernel.reader import Malformed, shown
from verify.kernel.robust import RobustClaim

__all__ = ["EXIT_CODES", "KINDS", "Claim", "Finding", "Verdict", "check", "conclude"]

EXIT_CODES = {"accepted": 0, "rejected": 3, "malformed": 4}


class Claim(Protocol):
    """A claim that was read: what it states, and its judge."""

    facts: dict[str, Any]

    @property
    def proved(self) -> str:
        """What it proves, in words, once it is accepted."""

    def judge(self, progress: Progress) -> Violation | None: ...


KINDS: dict[str, Callable[[dict[str, Any], str, Certificate], Claim]] = {
    "edit": EditClaim.read,
    "label-edit": EditClaim.read,
    "deployed": DeployedClaim.read,
    "robust": RobustClaim.read,
    "line-obstruction": LineObstruction.read,
    "farkas-obstruction": FarkasObstruction.read,
}
"""Every kind of claim, and its reader. A kind that is not listed is malformed."""


@dataclass(frozen=True)
class Finding:
    """One claim, and its first violated obligation if there is one, or else what is proved."""

    claim: dict[str, Any]
    violation: Violation | None
    proved: str = ""


@dataclass(frozen=True)
class Verdict:
    """`status` is `accepted`, `rejected` or `malformed`; `place` and `reason` belong to the last."""

    status: str
    findings: tuple[Finding, ...] = ()
    points: int = 0
    edits: int = 0
    place: str = ""
    reason: str = ""

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for machines."""
        if self.status == "malformed":
            return {"status": self.status, "place": self.place, "reason": self.reason}
        return {key: value for key, value in asdict(self).items() if key not in ("place", "reason")}

    def text(self) -> str:
        """One line a claim, those first that are rejected."""
        if self.status == "malformed":
            return f"malformed: {self.place}: {self.reason}"
        order = sorted(enumerate(self.findings), key=lambda item: item[1].violation is None)
        return "\n".join(self._line(k, finding) for k, finding in order)

    def _line(self, k: int, finding: Finding) -> str:
        claim, violation = finding.claim, finding.violation
        head = f"claim {k} ({claim['kind']})"
        if violation is not None:
            point = "" if violation.point is None else f"point {violation.point}: "
            return (
                f"rejected: {head}: {point}{violation.obligation}: "
                f"expected {violation.expected}, got {violation.got}"
            )
        return f"accepted: {head}: {finding.proved}"


def check(path: str | os.PathLike[str], progress: Progress = lambda done, total: None) -> Verdict:
    """Judge the certificate at `path`, a `.json` file or a folder, in exact arithmetic.

    Every claim is judged by itself; the verdict is `accepted` only if all are. No exception
    leaves this function for any content of the file.
    """

    def judge(certificate: Certificate, claims: list[Claim]) -> list[Violation | None]:
        certificate.validate()
        return [claim.judge(progress) for claim in claims]

    return conclude(path, judge)


def conclude(
    path: str | os.PathLike[str], judge: Callable[[Certificate, list[Claim]], list[Violation | None]]
) -> Verdict:
    """The verdict for a certificate, given the first violation of each of its claims."""
    try:
        certificate = read_certificate(os.fspath(path))
        claims = [_read_claim(raw, f"claims[{k}]", certificate) for k, raw in enumerate(certificate.claims)]
        violations = judge(certificate, claims)
    except Malformed as error:
        return Verdict("malformed", place=error.place, reason=error.reason)
    except MemoryError:
        return Verdict("malformed", place="certificate", reason="it does not fit in memory")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        return Verdict("malformed", place="certificate", reason=reason)
    findings = tuple(
        Finding(claim.facts, violation, claim.proved if violation is None else "")
        for claim, violation in zip(claims, violations, strict=True)
    )
    status = "rejected" if any(violations) else "accepted"
    return Verdict(status, findings, certificate.points.shape[0], len(certificate.edits))


def _read_claim(raw: Any, place: str, certificate: Certificate) -> Claim:
    kind = raw.get("kind") if type(raw) is dict else None
    if type(kind) is not str or kind not in KINDS:
        raise Malformed(place, f"unknown kind of claim {shown(kind)}")
    return KINDS[kind](raw, place, certificate)

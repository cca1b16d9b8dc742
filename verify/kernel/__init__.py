"""The trusted kernel: standard library and integers only. `verify/TRUST.md` says what it rests on."""

from verify.kernel.certificate import Certificate, Network, read_certificate
from verify.kernel.check import EXIT_CODES, Finding, Verdict, check
from verify.kernel.edit import Violation
from verify.kernel.reader import Malformed

__all__ = [
    "EXIT_CODES",
    "Certificate",
    "Finding",
    "Malformed",
    "Network",
    "Verdict",
    "Violation",
    "check",
    "read_certificate",
]

"""Checking certificates. `verify.kernel` is the trusted part; it needs the standard library only."""

from verify.kernel import Malformed, Verdict, check

__all__ = ["Malformed", "Verdict", "check"]

"""The fast engine: the kernel's statements in exact arithmetic at about the price of float passes.

It is not trusted: `verify/TRUST.md` says how it is held against the kernel.
"""

from verify.engine.driver import ROUTES, Statistics, check, float_pass

__all__ = ["ROUTES", "Statistics", "check", "float_pass"]

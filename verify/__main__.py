"""`python -m verify CERT`: let the trusted kernel judge a certificate."""

from __future__ import annotations

import os
import sys

from verify.kernel import check

USAGE = "usage: python -m verify CERT    (a .json file, or a folder with certificate.json)"


def main() -> None:
    """Exit codes: 0 accepted, 3 rejected, 4 malformed, 2 wrong usage."""
    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    try:
        verdict = check(arguments[0])
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        print(verdict.text(), flush=True)
    except BrokenPipeError:  # nobody reads: the exit code still tells
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(verdict.exit_code)


if __name__ == "__main__":
    main()

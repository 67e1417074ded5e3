"""BreastLens: ``breastlens`` opens the window; ``breastlens scan|render|models|analyse|doctor …`` works without one."""

from __future__ import annotations

import sys

from app.cli.arguments import COMMANDS, parser
from app.cli.outcome import outcome


def main(argv: list[str] | None = None) -> int:
    """Run BreastLens with command-line arguments; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "window")
    options = parser().parse_args(arguments)
    return outcome(options)


if __name__ == "__main__":
    sys.exit(main())

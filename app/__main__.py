"""BreastLens: ``breastlens`` opens the window; ``breastlens scan|render|models|analyse|doctor …`` works without one."""

from __future__ import annotations

import argparse
import os
import sys

from app.cli.arguments import COMMANDS, parser

IN_THE_WINDOW = ("window", "review")


def main(argv: list[str] | None = None) -> int:
    """Run BreastLens with command-line arguments.

    Returns
    -------
    int
        0 when it did what was asked, 1 when an image or model refused, 2 for wrong arguments, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "window")
    options = parser().parse_args(arguments)
    if options.command in IN_THE_WINDOW:
        return _open_window(options)
    from app.cli.outcome import outcome

    return outcome(options)


def _open_window(options: argparse.Namespace) -> int:
    """Run a command that needs a display; says so in a sentence where there is none."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    has_display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if sys.platform.startswith("linux") and not has_display and platform in ("", "xcb", "wayland"):
        sys.stderr.write(
            "BreastLens found no display to open its window on.\n"
            "Try: make run (reviews the demo on a virtual display), or a command such as breastlens scan PATH.\n"
        )
        return 1
    if options.command == "review":
        from app.ui.review import review

        return review(options.path, options.out)
    from app.ui.start import run

    return run(options.paths, on_ready=(lambda window: window.open_demo()) if options.demo else None)


if __name__ == "__main__":
    sys.exit(main())

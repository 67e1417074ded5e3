"""Dispatch of a command, and the one place where the command line speaks of errors."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from inference.errors import HintedError


def outcome(options: argparse.Namespace) -> int:
    """Run ``app.cli.<command>.run(options)`` and return the exit status; expected errors become two lines of text."""
    try:
        return import_module(f"app.cli.{options.command}").run(options)
    except HintedError as error:
        return complain(str(error), error.hint)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        named = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        return complain(named, "Check that the path exists and may be read or written.")
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130


def complain(message: str, hint: str = "") -> int:
    """Write what happened and what to try to the error stream; returns exit status 1."""
    sys.stderr.write(f"breastlens: {message}\n")
    if hint:
        sys.stderr.write(f"Try: {hint}\n")
    return 1


def meter(fraction: float, text: str) -> None:
    """Show progress on one line of a terminal; silent where the error stream is a file."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{fraction:4.0%} {text}"[:110])
        sys.stderr.flush()


def meter_done() -> None:
    """Clear the progress line."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")

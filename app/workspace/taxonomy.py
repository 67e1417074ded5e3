"""Taxonomy: the words a reader may give a box, read from a versioned JSON file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.workspace.errors import TaxonomyError


@dataclass(frozen=True)
class Term:
    """One label.

    Attributes
    ----------
    code
        What is stored with a box.
    group
        Title of the group it is listed under.
    colour
        ``#rrggbb``; one per group, told apart by colour-blind readers.
    shortcut
        The one key that chooses it; empty where it has none.
    """

    code: str
    title: str
    group: str
    colour: str
    shortcut: str = ""


@dataclass(frozen=True)
class Taxonomy:
    """Labels in the order in which they are listed."""

    id: str
    version: str
    title: str
    terms: tuple[Term, ...]

    def term(self, code: str) -> Term | None:
        """Return the term with that code; None for a code of another taxonomy or version."""
        return next((term for term in self.terms if term.code == code), None)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in the order of their first term."""
        return tuple(dict.fromkeys(term.group for term in self.terms))


@cache
def load(name: str) -> Taxonomy:
    """Return a bundled taxonomy: `"mri"` (17 histologies in four types) or `"mammography"` (BI-RADS-like findings).

    Raises
    ------
    TaxonomyError
        Where there is no taxonomy of that name or its file is malformed.
    """
    from resources import folder

    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise TaxonomyError(f"{name!r} is not the name of a taxonomy.")
    return read(folder("taxonomies") / f"{name}.json")


def read(path: Path) -> Taxonomy:
    """Return the taxonomy in a file; TaxonomyError says what is wrong with it."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json"))) or "none"
        raise TaxonomyError(f"There is no taxonomy {path.stem!r} (there are: {known}).") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TaxonomyError(f"The taxonomy {path} cannot be read: {error}.") from error
    try:
        taxonomy = _taxonomy(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise TaxonomyError(f"The taxonomy {path} lacks something: {type(error).__name__} {error}.") from error
    problem = _problem(taxonomy)
    if problem:
        raise TaxonomyError(f"The taxonomy {path} is malformed: {problem}.")
    return taxonomy


def _taxonomy(document: dict[str, Any]) -> Taxonomy:
    terms = tuple(
        Term(term["code"], term["title"], group["title"], group["colour"], term.get("shortcut", ""))
        for group in document["groups"]
        for term in group["terms"]
    )
    return Taxonomy(document["id"], document["version"], document["title"], terms)


def _problem(taxonomy: Taxonomy) -> str:
    words = [taxonomy.id, taxonomy.version, taxonomy.title]
    words += [word for term in taxonomy.terms for word in (term.code, term.title, term.group)]
    if not taxonomy.terms:
        return "it has no terms"
    if not all(isinstance(word, str) and word for word in words):
        return "an id, version, code or title is empty or not a text"
    for what, values in (
        ("code", [term.code for term in taxonomy.terms]),
        ("shortcut", [term.shortcut for term in taxonomy.terms if term.shortcut]),
    ):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            return f"the {what} {twice[0]!r} is used twice"
    for term in taxonomy.terms:
        if not re.fullmatch(r"#[0-9a-f]{6}", term.colour):
            return f"{term.colour!r} of the group {term.group!r} is not a colour like #35c4b5"
        if not re.fullmatch(r"[a-z0-9]?", term.shortcut):
            return f"the shortcut {term.shortcut!r} of {term.code!r} is not one letter or digit"
    return ""

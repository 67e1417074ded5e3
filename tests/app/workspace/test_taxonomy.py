"""The labels: complete, unique, readable by everybody; a broken file is named."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from app.workspace import taxonomy
from app.workspace.errors import TaxonomyError

# Table 1 of the paper (SYSTEMS.md §1.1), typed in anew.
HISTOLOGIES = {
    "Mammary gland": ["mammary gland (normal)"],
    "Other benign": [
        *("sclerosing adenosis", "radial scar", "fibroadenoma", "galactophoritis", "atypical hyperplasia", "cyst"),
        *("pseudoangiomatous stromal hyperplasia (pash)", "papilloma", "cytosteatonecrosis"),
        *("intramammary lymph node", "other proliferating lesion"),
    ],
    "Invasive ductal": ["invasive ductal carcinoma"],
    "Other malignant": [
        *("lobular carcinoma", "triple-negative carcinoma", "intraductal carcinoma", "mucinous carcinoma"),
    ],
}


def test_mri_has_the_seventeen_histologies_in_four_types() -> None:
    mri = taxonomy.load("mri")
    found = {group: [t.title.lower() for t in mri.terms if t.group == group] for group in mri.groups}
    assert found == HISTOLOGIES
    assert len(mri.terms) == 17
    # The code says the type of the paper, so that training can tell it.
    assert [term.code.partition("-")[0] for term in mri.terms] == ["MG"] + ["OB"] * 11 + ["IDC"] + ["OM"] * 4


def test_mammography_has_the_finding_types() -> None:
    codes = {term.code for term in taxonomy.load("mammography").terms}
    assert codes >= {"mass", "calcifications", "distortion", "asymmetry", "node-intramammary", "node-axillary"}
    assert not any("malignant" in term.title.lower() for term in taxonomy.load("mammography").terms)


@pytest.mark.parametrize("name", ["mri", "mammography"])
def test_one_colour_and_one_key_per_group(name: str) -> None:
    terms = taxonomy.load(name).terms
    groups = taxonomy.load(name).groups
    assert len({term.colour for term in terms}) == len(groups)
    first = {group: next(term for term in terms if term.group == group) for group in groups}
    assert [first[group].shortcut for group in groups] == [str(n + 1) for n in range(len(groups))]
    assert taxonomy.load(name).term(terms[-1].code) is terms[-1]
    assert taxonomy.load(name).term("unknown") is None


def linear(colour: str) -> list[float]:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


# Viénot, Brettel and Mollon 1999, linear RGB as a protanope and a deuteranope see it.
SIGHTS = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("name", ["mri", "mammography"])
def test_colour_blind_readers_tell_the_groups_apart(name: str, sight: str) -> None:
    def seen(colour: str) -> list[float]:
        values = linear(colour)
        return [max(0.0, sum(m * v for m, v in zip(row, values, strict=True))) ** (1 / 2.4) for row in SIGHTS[sight]]

    colours = sorted({term.colour for term in taxonomy.load(name).terms})
    for one, other in combinations(colours, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5
        assert distance > 0.08, (one, other)


def document() -> dict[str, Any]:
    terms = [{"code": "A", "title": "One", "shortcut": "1"}, {"code": "B", "title": "Two"}]
    return {"id": "x", "version": "1", "title": "X", "groups": [{"title": "G", "colour": "#00ff00", "terms": terms}]}


def broken(**change: Any) -> dict[str, Any]:
    made = document()
    made["groups"][0].update({k: v for k, v in change.items() if k in ("colour", "terms")})
    return {**made, **{k: v for k, v in change.items() if k not in ("colour", "terms")}}


def test_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(document()))
    assert [term.code for term in taxonomy.read(tmp_path / "x.json").terms] == ["A", "B"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "lacks something"),
        ("{}", "lacks something: KeyError 'groups'"),
        (json.dumps(broken(terms=[])), "it has no terms"),
        (json.dumps(broken(title="")), "empty or not a text"),
        (json.dumps(broken(version=1)), "empty or not a text"),
        (json.dumps(broken(colour="green")), "'green' of the group 'G' is not a colour"),
        (json.dumps(broken(terms=[{"code": "A", "title": "1"}] * 2)), "the code 'A' is used twice"),
        (json.dumps(broken(terms=[{"code": "A"}])), "lacks something: KeyError 'title'"),
        (json.dumps(broken(terms=[{"code": "A", "title": "1", "shortcut": "F5"}])), "not one letter or digit"),
        (
            json.dumps(broken(terms=[{"code": c, "title": c, "shortcut": "q"} for c in "AB"])),
            "the shortcut 'q' is used twice",
        ),
    ],
)
def test_a_broken_file_is_named_with_its_fault(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(TaxonomyError) as caught:
        taxonomy.read(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["ultrasound", "../models/x", ""])
def test_an_unknown_taxonomy(name: str) -> None:
    with pytest.raises(TaxonomyError):
        taxonomy.load(name)

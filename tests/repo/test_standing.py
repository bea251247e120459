"""What archives, indexes and a journal read says what CITATION.cff says, in their forms."""

import json
import re
import tomllib

import jsonschema
import pytest
import yaml

from tools.publish import metadata
from tools.repo import ROOT

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
# The part of each form that these files use: what must be there, and which values are known.
# https://developers.zenodo.org/#representation and https://codemeta.github.io/terms/
WORDS = {"type": "string", "minLength": 1}
LIST = {"type": "array", "items": WORDS, "minItems": 1, "uniqueItems": True}


def form(required, **known):
    return {
        "type": "object",
        "required": required,
        "properties": known,
        "additionalProperties": False,
    }


ORCID = {"type": "string", "pattern": r"^(\d{4}-){3}\d{3}[\dX]$"}
CREATOR = form(["name"], name=WORDS, affiliation=WORDS, orcid=ORCID)
SOME = {"type": "array", "minItems": 1}
AUTHOR = form(
    ["type"],
    type={"enum": ["Person", "Organization"]},
    id={"type": "string", "pattern": "^https://orcid.org/"},
    **dict.fromkeys(("name", "affiliation", "familyName", "givenName"), WORDS),
)
FORMS = {
    ".zenodo.json": form(
        ["title", "description", "upload_type", "access_right", "license", "creators"],
        **dict.fromkeys(("title", "description", "version"), WORDS),
        upload_type={"enum": ["lesson", "software", "dataset", "publication", "other"]},
        access_right={"enum": ["open"]},
        license={"enum": ["cc-by-4.0", "bsd-3-clause"]},
        language={"type": "string", "pattern": "^[a-z]{3}$"},
        keywords=LIST,
        creators=SOME | {"items": CREATOR},
    ),
    "codemeta.json": form(
        ["@context", "type", "name", "description", "version", "license", "author"],
        **{"@context": {"const": "https://w3id.org/codemeta/3.0"}},
        type={"const": "SoftwareSourceCode"},
        **dict.fromkeys(("name", "description", "version", "applicationCategory"), WORDS),
        **dict.fromkeys(("programmingLanguage", "dateModified"), WORDS),
        isAccessibleForFree={"type": "boolean"},
        license=SOME | {"items": {"type": "string", "pattern": "^https://spdx.org/licenses/"}},
        keywords=LIST,
        author=SOME | {"items": AUTHOR},
    ),
}
PEOPLE = [
    {"family-names": "Noether", "given-names": "Emmy", "affiliation": "Göttingen"},
    {
        "family-names": "Curie",
        "given-names": "Marie",
        "orcid": "https://orcid.org/0000-0002-1825-0097",
    },
    {"name": "A school of trading"},
]


@pytest.mark.parametrize("file", FORMS)
def test_a_file_says_what_the_citation_says(file):
    assert (ROOT / file).read_text(encoding="utf-8") == metadata.texts()[file]
    jsonschema.validate(json.loads(metadata.texts()[file]), FORMS[file])


@pytest.mark.parametrize("file", FORMS)
def test_people_and_organisations_can_be_its_authors(file):
    told = metadata.WRITTEN[file](CITATION | {"authors": PEOPLE})
    jsonschema.validate(told, FORMS[file])
    text = json.dumps(told, ensure_ascii=False)
    for words in ("Noether", "Emmy", "Göttingen", "0000-0002-1825-0097", "A school of trading"):
        assert words in text
    assert len(told.get("creators", told.get("author"))) == len(PEOPLE)


def test_the_form_notices_what_is_wrong():
    wrong = metadata.zenodo(CITATION) | {"creators": []}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, FORMS[".zenodo.json"])


def test_one_set_of_authors_stands_everywhere():
    names = [" ".join(metadata.name(each).split(", ")[::-1]) for each in CITATION["authors"]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [each["name"] for each in project["authors"]] == names
    for licence in ("LICENSE", "LICENSE-TEXT"):
        said = (ROOT / licence).read_text(encoding="utf-8")
        assert all(name in said for name in names)
    assert [each["name"] for each in PAPER["authors"]] == names


# paper.md, for the Journal of Open Source Education: https://openjournals.readthedocs.io

TEXT = (ROOT / "paper.md").read_text(encoding="utf-8")
PAPER = yaml.safe_load(TEXT.split("---\n")[1])


def test_the_paper_has_the_parts_that_the_journal_asks_for():
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(PAPER)
    known = {place["index"] for place in PAPER["affiliations"]}
    assert {author["affiliation"] for author in PAPER["authors"]} <= known
    parts = re.findall(r"(?m)^# (.+)$", TEXT)
    wanted = ["Summary", "Statement of need", "Learning objectives and content", "References"]
    assert [part for part in parts if part in wanted] == wanted
    assert 500 < len(TEXT.split()) < 1500


def test_every_work_that_the_paper_names_is_in_its_list_and_the_other_way():
    listed = (ROOT / PAPER["bibliography"]).read_text(encoding="utf-8")
    keys = re.findall(r"(?m)^@\w+\{(\w+),$", listed)
    cited = set(re.findall(r"@(\w+)", TEXT.split("---\n", 2)[2]))
    assert sorted(cited) == sorted(keys)
    assert listed.count("doi = {10.") == len(keys)

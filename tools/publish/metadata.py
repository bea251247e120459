"""Write what archives and indexes read about the course, from CITATION.cff.

    python -m tools.publish.metadata

CITATION.cff is where authors, title, version and licences stand. codemeta.json (https://codemeta.github.io)
and .zenodo.json (https://developers.zenodo.org) say the same in the words of others.
"""

import json

import yaml

from tools.repo import ROOT, read, write

SPDX = "https://spdx.org/licenses/"


def name(author: dict) -> str:
    """A person as archives sort them, `Family, Given`; an organisation as it calls itself."""
    parts = [author[key] for key in ("family-names", "given-names") if key in author]
    return ", ".join(parts) or author["name"]


def zenodo(citation: dict) -> dict:
    """The form in which Zenodo takes a deposit."""
    creators = []
    for author in citation["authors"]:
        said = {"name": name(author), "affiliation": author.get("affiliation")}
        said["orcid"] = author.get("orcid", "").removeprefix("https://orcid.org/")
        creators.append({key: value for key, value in said.items() if value})
    return {
        "title": citation["title"],
        "description": citation["abstract"],
        "upload_type": "lesson",
        "access_right": "open",
        "license": citation["license"][-1].lower(),
        "version": citation["version"],
        "language": "eng",
        "keywords": citation["keywords"],
        "creators": creators,
    }


def codemeta(citation: dict) -> dict:
    """The words of CodeMeta 3.0."""
    authors = []
    for author in citation["authors"]:
        said = {"type": "Organization" if "name" in author else "Person", "id": author.get("orcid")}
        said |= {"name": author.get("name"), "affiliation": author.get("affiliation")}
        said |= {"familyName": author.get("family-names"), "givenName": author.get("given-names")}
        authors.append({key: value for key, value in said.items() if value})
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "type": "SoftwareSourceCode",
        "name": citation["title"],
        "description": citation["abstract"],
        "version": citation["version"],
        "dateModified": str(citation["date-released"]),
        "license": [SPDX + licence for licence in citation["license"]],
        "programmingLanguage": "Python",
        "applicationCategory": "Education",
        "isAccessibleForFree": True,
        "keywords": citation["keywords"],
        "author": authors,
    }


WRITTEN = {".zenodo.json": zenodo, "codemeta.json": codemeta}


def texts() -> dict[str, str]:
    """Each file's name -> what it must hold."""
    citation = yaml.safe_load(read(ROOT / "CITATION.cff"))
    return {
        file: json.dumps(told(citation), indent=2, ensure_ascii=False) + "\n"
        for file, told in WRITTEN.items()
    }


if __name__ == "__main__":
    for file, text in texts().items():
        write(ROOT / file, text)

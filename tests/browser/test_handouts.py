"""Each handout is one page of paper."""

import re

import pytest

from tools.handout import sheets


@pytest.mark.parametrize("path", sheets.lessons(), ids=lambda path: path.stem)
def test_it_prints_on_one_page(path):
    """make test-browser has just printed them."""
    printed = (sheets.OUT / f"{path.stem}.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1

"""Every reason for which an operation on borders is refused has words in every language."""

import pytest

from gis.borders.refusals import REASONS
from web.words import LANGUAGES, Language, table


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words_and_every_word_a_reason(language: Language) -> None:
    words = {key.removeprefix("edit.") for key in table(language) if key.startswith("edit.")}
    # A word `reason.operation` says what the reason means for that operation.
    assert {word.split(".")[0] for word in words} == set(REASONS)
    assert set(REASONS) <= words

"""Terms of expiry in words."""

from datetime import date

import pytest

from domain.expiry_terms import ExpiryTerms, in_words


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (ExpiryTerms(), "Points do not expire."),
        (ExpiryTerms(policy="months", months=1), "Points expire 1 month after they were earned."),
        (
            ExpiryTerms(policy="months", months=24, period_end="year"),
            "Points expire at the end of the year that is 24 months after they were earned.",
        ),
        (
            ExpiryTerms(policy="inactivity", months=6),
            "Points expire 6 months after the last purchase that earned some.",
        ),
        (
            ExpiryTerms(policy="fixed_date", last_day=date(2027, 1, 31)),
            "Points can be spent until 2027-01-31, that day included.",
        ),
    ],
)
def test_terms_are_told_as_a_sentence(terms: ExpiryTerms, words: str) -> None:
    assert in_words(terms) == words

"""The lots of a merge: which of the victim's became which of the survivor's."""

from collections.abc import Sequence

from domain.ledger.posting import Draft


def moved_lots(posted: Sequence[Draft]) -> list[list[int | None]] | None:
    """The pairs of lots, old and new, with the points of each; None where a part repaid the survivor's arrears."""
    pairs: list[list[int | None]] = []
    for out in posted:
        into = out.related
        if not isinstance(into, Draft) or (out.moves and into.arrears):
            return None
        pairs += [[old.lot.id, new.lot.id, new.points] for old, new in zip(out.moves, into.moves, strict=True)]
    return pairs


def became_lots(posted: Sequence[Draft]) -> list[list[int | None]]:
    """The pairs of lots, old and new. What repaid the survivor's arrears is the first of it, and became none."""
    pairs: list[list[int | None]] = []
    for out in posted:
        if isinstance(out.related, Draft) and (arrived := out.related.moves):
            left = out.moves[-len(arrived) :]
            pairs += [[old.lot.id, new.lot.id] for old, new in zip(left, arrived, strict=True)]
    return pairs

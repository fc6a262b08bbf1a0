"""The dislike reasons: one table for what each says to a person and does to their taste.

A facet of the disliked item is held back by its share: −15 % multiplies the score of every other item that
has the facet by 0.85. Adding a reason is adding a row (docs/adding-a-reason.md).
"""

from dataclasses import dataclass

from django.conf import settings

from catalog.models import FacetKind

CAST = (FacetKind.ACTOR, FacetKind.DIRECTOR)
GENRES = (FacetKind.GENRE,)
# All that a reason can hold back.
ADJUSTABLE = (*GENRES, *CAST, FacetKind.FRANCHISE)


@dataclass(frozen=True, slots=True)
class DislikeReason:
    """What one reason means.

    label            the reason in a person's words
    genre_setting    name of the setting with the share by which the item's genres are held back; "" for none
    cast_setting     the same for its actors and directors
    holds_franchise  whether its franchise, where it has one, is held back too
    weight           how much of a full no it is: 1 for a plain one, 0 where it says nothing about taste
    """

    name: str
    label: str
    genre_setting: str = ""
    cast_setting: str = ""
    holds_franchise: bool = False
    weight: float = 1.0

    def shares(self) -> dict[FacetKind, float]:
        """By how much each kind of facet is held back, as a share from 0 to 1."""
        shares: dict[FacetKind, float] = {}
        if self.genre_setting:
            shares.update(dict.fromkeys(GENRES, getattr(settings, self.genre_setting)))
        if self.cast_setting:
            shares.update(dict.fromkeys(CAST, getattr(settings, self.cast_setting)))
        if self.holds_franchise:
            shares[FacetKind.FRANCHISE] = settings.DISLIKE_FRANCHISE_SHARE
        return shares


REASONS: dict[str, DislikeReason] = {
    reason.name: reason
    for reason in (
        DislikeReason(
            "wrong_genre", "Wrong genre for me", genre_setting="DISLIKE_GENRE_SHARE", holds_franchise=True
        ),
        DislikeReason("poor_quality", "Poorly made", cast_setting="DISLIKE_CAST_SHARE"),
        DislikeReason("already_watched", "I know it already", weight=0.0),
        DislikeReason(
            "not_interested",
            "Not interested",
            genre_setting="DISLIKE_LIGHTER_SHARE",
            cast_setting="DISLIKE_LIGHTER_SHARE",
            holds_franchise=True,
        ),
        DislikeReason(
            "irrelevant", "Does not belong in my list", genre_setting="DISLIKE_LIGHT_SHARE", weight=0.5
        ),
        DislikeReason("other", "Something else"),
    )
}

"""The titles that each dislike and each wish of a person keeps out of their lists now."""

from collections.abc import Iterable, Sequence

from accounts.models import User
from accounts.selectors import open_use_case
from catalog.selectors import ItemCard
from core.domain import DEFAULT_KIND
from feedback.models import Dislike, FeatureAdjustment, OwnRule
from feedback.rules import get_rules
from serving.kept_out import titles_kept_out

_LIST_LENGTH = 25
Key = tuple[str, int]


def kept_out_by(
    person: User, dislikes: Iterable[Dislike], wishes: Sequence[OwnRule]
) -> dict[Key, list[ItemCard]]:
    """The titles by ("dislike", id) and ("wish", id), of the lists of the kinds that were turned down."""
    kind_of = {dislike.pk: dislike.item.kind for dislike in dislikes}
    held: dict[int, set[int]] = {}
    rows = FeatureAdjustment.objects.filter(dislike_id__in=list(kind_of))
    for dislike_id, facet_id in rows.values_list("dislike_id", "facet_id"):
        held.setdefault(dislike_id, set()).add(facet_id)
    rules = get_rules(person.pk)
    found: dict[Key, list[ItemCard]] = {}
    for kind in dict.fromkeys([DEFAULT_KIND, *kind_of.values()]):
        facets_of: dict[Key, set[int]] = {
            ("dislike", pk): held[pk] for pk, of_kind in kind_of.items() if of_kind == kind and pk in held
        }
        facets_of |= {("wish", one.pk): {one.facet_id} for one in wishes if one.facet_id is not None}
        lost = titles_kept_out(
            user_id=person.pk,
            use_case=open_use_case(person, kind),
            facets_of=facets_of,
            rules=rules,
            limit=_LIST_LENGTH,
        )
        for key, cards in lost.items():
            found.setdefault(key, []).extend(cards)
    return found

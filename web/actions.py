"""The actions on an item of a page: their words, and carrying them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from accounts.selectors import may_do
from catalog.models import Item
from catalog.selectors import ItemCard
from core.domain import ACTIONS, DISLIKE, KINDS, InteractionType, UseCase
from core.domain.roles import is_said_in
from core.errors import NotFound
from feedback.services import save_dislike, undo_dislike_of_item
from interactions.services import record_interaction, withdraw_state

# The tag of the message that confirms a rating: the page then shows balloons.
RATED_TAG = "rated"


@dataclass(frozen=True, slots=True)
class Button:
    """An action as it stands between one person and one item."""

    action: InteractionType
    is_pressed: bool


def buttons_for(
    person: User, kind: str, states: Iterable[str], use_case: UseCase | None = None
) -> list[Button]:
    """The ordinary actions of a person on an item of `kind`, in order, each with whether it stands.

    Those that their roles let them do, and of these on the list of a use case those that say something in it.
    What stands is always among them, to be taken back.
    """
    standing = set(states)
    buttons = [
        Button(row, row.name in standing)
        for action, row in ACTIONS.items()
        # Those stand apart on a page: the rating beside one, a place of its own for the other.
        if action in KINDS[kind].actions and not row.is_rated and row.name != DISLIKE
    ]
    return [button for button in buttons if button.is_pressed or _is_offered(button, person, kind, use_case)]


def _is_offered(button: Button, person: User, kind: str, use_case: UseCase | None) -> bool:
    type_name = button.action.name
    return may_do(person, kind, type_name) and (use_case is None or is_said_in(use_case, type_name))


def sentences() -> dict[str, dict[str, str]]:
    """The messages of the script when something is done or undone, by action."""
    return {action: {"done": row.said, "undone": row.unsaid} for action, row in ACTIONS.items()}


def perform(
    *, user_id: int, item: ItemCard, name: str, undo: bool, session_id: UUID | None, rating: float | None
) -> str:
    """Does or undoes the action `name` and returns the sentence that says so.

    Raises NotFound for an action that the item's kind does not take, for a session that did not show the
    item, and for taking back what does not stand; RoleNeeded for what is another role's; InvalidInput for a
    rating out of range.
    """
    if name not in KINDS[item.kind].actions:
        raise NotFound(f"{KINDS[item.kind].label} do not take that action.")
    row = ACTIONS[name]
    if row.name == DISLIKE and undo:
        undo_dislike_of_item(user_id=user_id, item_id=item.id)
    elif row.name == DISLIKE:
        save_dislike(user_id=user_id, item=Item.objects.get(pk=item.id), session_id=session_id)
    elif undo:
        withdraw_state(user_id=user_id, item_id=item.id, type_name=row.name)
    else:
        record_interaction(
            user_id=user_id,
            item_id=item.id,
            type_name=row.name,
            session_id=session_id,
            rating=rating if row.is_rated else None,
        )
    return (row.unsaid if undo else row.said).format(title=item.title)

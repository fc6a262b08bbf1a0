"""What a person can do with an item on a page: the words for it, and doing it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from accounts.selectors import may_do
from catalog.models import Item
from catalog.selectors import ItemCard
from core.domain import KINDS, UseCase
from core.domain.roles import is_said_in
from core.errors import NotFound
from feedback.services import save_dislike, undo_dislike_of_item
from interactions.api import TYPE_OF_ACTION
from interactions.services import record_interaction, withdraw_state


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its name in the address, label and icon, and what is said when it is done or undone."""

    name: str
    label: str
    icon: str
    done: str
    undone: str

    @property
    def type_name(self) -> str:
        """The interaction type that it records."""
        return TYPE_OF_ACTION.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Button:
    """An action as it stands between one person and one item."""

    action: Action
    is_pressed: bool


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("like", "Like", "like", "You like {title}.", "You no longer like {title}."),
        Action(
            "favorite",
            "Favourite",
            "favorite",
            "{title} is one of your favourites.",
            "{title} is no longer one of your favourites.",
        ),
        Action(
            "watchlist",
            "Watchlist",
            "watchlist",
            "{title} is on your watchlist.",
            "{title} is off your watchlist.",
        ),
        Action(
            "apply", "Apply", "apply", "You applied to {title}.", "Your application to {title} is taken back."
        ),
        Action(
            "interest",
            "Interested",
            "interest",
            "{title} interests you.",
            "{title} no longer interests you.",
        ),
        Action("watched", "Watched", "watched", "You watched {title}.", "You have not watched {title}."),
        Action(
            "dislike",
            "Not for me",
            "dislike",
            "{title} will not be shown to you again.",
            "{title} may be shown to you again.",
        ),
    )
}
# These stand apart on a page: the rating beside one, a place of its own for the other.
APART = ("watched", "dislike")


def buttons_for(
    person: User, kind: str, states: Iterable[str], use_case: UseCase | None = None
) -> list[Button]:
    """The ordinary actions of a person on an item of `kind`, in order, each with whether it stands.

    Those that their roles let them do, and of these on the list of a use case those that say something in it.
    What stands is always among them, to be taken back.
    """
    standing = set(states)
    buttons = [
        Button(action, action.type_name in standing)
        for action in ACTIONS.values()
        if action.name in KINDS[kind].actions and action.name not in APART
    ]
    return [button for button in buttons if button.is_pressed or _is_offered(button, person, kind, use_case)]


def _is_offered(button: Button, person: User, kind: str, use_case: UseCase | None) -> bool:
    type_name = button.action.type_name
    return may_do(person, kind, type_name) and (use_case is None or is_said_in(use_case, type_name))


def sentences() -> dict[str, dict[str, str]]:
    """What the script says when something is done or undone, by action."""
    return {action.name: {"done": action.done, "undone": action.undone} for action in ACTIONS.values()}


def perform(
    *, user_id: int, item: ItemCard, name: str, undo: bool, session_id: UUID | None, rating: float | None
) -> str:
    """Does or undoes the action `name` and returns the sentence that says so.

    Raises NotFound for an action that the item's kind does not take, for a session that did not show the
    item, and for taking back what does not stand; RoleNeeded for what is another role's; InvalidInput for a
    rating out of range.
    """
    if name not in KINDS[item.kind].actions or name not in ACTIONS:
        raise NotFound(f"{KINDS[item.kind].label} do not take that action.")
    action = ACTIONS[name]
    if name == "dislike" and undo:
        undo_dislike_of_item(user_id=user_id, item_id=item.id)
    elif name == "dislike":
        # Nobody was asked for a reason.
        disliked = Item.objects.get(pk=item.id)
        save_dislike(user_id=user_id, item=disliked, reason="other", session_id=session_id)
    elif undo:
        withdraw_state(user_id=user_id, item_id=item.id, type_name=action.type_name)
    else:
        record_interaction(
            user_id=user_id,
            item_id=item.id,
            type_name=action.type_name,
            session_id=session_id,
            rating=rating if name == "watched" else None,
        )
    return (action.undone if undo else action.done).format(title=item.title)

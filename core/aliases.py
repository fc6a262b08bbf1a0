"""Second names of model fields."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class Alias(_Field):
    """Another name of a column that a model has already, for queries and for reading; it is never written.

    Django keeps it among the model's private fields, so it is no column of its own in any statement.
    """

    def __init__(self, column: str) -> None:
        super().__init__(db_column=column, editable=False)

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:  # noqa: FBT001, FBT002  Django's own
        super().contribute_to_class(cls, name, private_only=True)
        # Else statements that write all columns would write this one twice.
        self.concrete = False
        setattr(cls, name, self)

    def __get__(self, instance: models.Model | None, owner: Any) -> Any:
        return self if instance is None else getattr(instance, str(self.db_column))

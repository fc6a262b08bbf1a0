"""People, the tokens of programs, and the idempotency keys of their requests."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models

from core.domain import ROLES


def check_roles(value: object) -> None:
    """Raises ValidationError for anything but a list of roles that exist, none of them twice."""
    if not isinstance(value, list) or sorted(map(str, value)) != sorted({*map(str, value)} & {*ROLES}):
        raise ValidationError(f"Roles are a list of {', '.join(ROLES)}, each once.")


MAX_PROFILE_NAME = 40


class User(AbstractUser):
    """A person: an account, or a profile of one.

    Imported people have no usable password and are known by their `username`. A profile is a person with a
    taste, a history and lists of its own, and without a login: its owner acts as it.

    `roles` holds names from `core.domain.ROLES`. It is a column of the person, because every request
    reads that row anyway.
    """

    is_synthetic = models.BooleanField(
        "synthetic", default=False, help_text="A simulated person of the demo, not a real one."
    )
    confirmed_email = models.EmailField(
        "confirmed address",
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The address for mail that the person showed to be theirs.",
    )
    roles = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[check_roles],
        help_text="What the person comes for.",
    )
    owner = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="profiles",
        editable=False,
        help_text="The account of which this is a profile; empty for an account.",
    )
    profile_name = models.CharField(
        max_length=MAX_PROFILE_NAME,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The name of a profile among those of its account.",
    )
    first_acted_at = models.DateTimeField(
        "first acted at",
        null=True,
        blank=True,
        editable=False,
        help_text="When the account first did something here, by the server's clock; empty until then. UTC.",
    )
    discounted_at = models.DateTimeField(
        "discounted at",
        null=True,
        blank=True,
        editable=False,
        help_text="Since when nothing that the account says counts for others; empty where it counts. UTC.",
    )

    class Meta(AbstractUser.Meta):
        indexes = [
            models.Index(
                fields=["discounted_at"],
                condition=models.Q(discounted_at__isnull=False),
                name="discounted_accounts",
            ),
        ]
        constraints = [
            # Nobody can sign in as a profile, whatever staff or a program set.
            models.CheckConstraint(
                condition=models.Q(owner=None)
                | models.Q(
                    password__startswith=UNUSABLE_PASSWORD_PREFIX,
                    email="",
                    is_staff=False,
                    is_superuser=False,
                ),
                name="profile_has_no_login",
            ),
            models.UniqueConstraint(fields=["owner", "profile_name"], name="one_profile_of_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.profile_name} ({self.username})" if self.owner_id else self.username

    @property
    def shown_name(self) -> str:
        """The name on the pages: of a profile its own, of an account its user name."""
        return self.profile_name if self.owner_id else self.username

    @property
    def account_id(self) -> int:
        """The id of the account: a profile's owner, else the person."""
        return self.owner_id or self.pk

    @property
    def has_confirmed_mail(self) -> bool:
        """True where mail reaches the person, and nobody else."""
        return bool(self.email) and self.email == self.confirmed_email


MAX_TOKEN_NAME = 80


class ServiceToken(models.Model):
    """A program's key to the API. Only its hash is stored; the token is shown once, when issued.

    The token carries 256 random bits, so a fast hash is enough: there is nothing to guess.
    """

    digest = models.CharField(max_length=64, primary_key=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="service_tokens"
    )
    name = models.CharField(
        max_length=MAX_TOKEN_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="What it is for, in your words.",
    )
    may_act_for_others = models.BooleanField(
        default=False, help_text="Its bearer may name another person in X-User-ID or X-User-Name."
    )
    reads_only = models.BooleanField(
        default=False, db_default=False, help_text="Its bearer may ask, and change nothing."
    )
    ends_at = models.DateTimeField(null=True, blank=True, help_text="When it ends; empty for never. UTC.")
    last_used_on = models.DateField(null=True, editable=False, help_text="The last day of its use, UTC.")
    created_at = models.DateTimeField(auto_now_add=True)

    # The token itself, on the object by which it is made. No column: nothing keeps it.
    issued = ""

    def __str__(self) -> str:
        # Entries of the admin's log are found by this beginning where a person is erased.
        return f"{self.user} ({self.name or self.digest[:8] + '…'})"

    def has_ended(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    @staticmethod
    def hash(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def generate() -> str:
        return "heed_" + secrets.token_urlsafe(32)


class RateCount(models.Model):
    """The number of times that somebody did something (`accounts.limits`): `key` is a hash, and no name."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.BigIntegerField()
    until = models.FloatField(db_index=True, help_text="When the count ends, in seconds since 1970.")

    def __str__(self) -> str:
        return f"{self.key[:8]}… {self.count}"


class IdempotencyKey(models.Model):
    """The answer once given to a request that carried an `Idempotency-Key`, so that it is given again."""

    # Its index is the beginning of `one_answer_per_key`.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    route = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    response_status = models.PositiveSmallIntegerField()
    response_body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "route", "key"], name="one_answer_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"

    def answer(self) -> dict[str, Any]:
        """The body that was answered, its names in their order.

        It is kept as a text within JSON; rows of earlier releases hold the object itself.
        """
        kept = self.response_body
        answer: dict[str, Any] = json.loads(kept) if isinstance(kept, str) else kept
        return answer

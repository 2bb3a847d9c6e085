"""People, organisations and what a person may do in one of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class PeopleManager(UserManager["User"]):
    """Users are known by their e-mail address; there is no user name."""

    def create_user(  # type: ignore[override]
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """Create an account for `email`, lower-cased, so that two spellings never make two people."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:  # type: ignore[override]
        """Create a platform administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Sign-in by e-mail in any case."""
        return self.get(email__iexact=username)


class User(AbstractUser):  # type: ignore[django-manager-missing] # knox ships no types, so its tokens' manager is unknown
    """A person who signs in with an e-mail address."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = PeopleManager()  # type: ignore[misc]
    # Set by an API token, on this object only: the person then sees and acts for this one of their organisations.
    acting_for: Organisation | None = None

    def __str__(self) -> str:
        return self.email


class Organisation(models.Model):  # type: ignore[django-manager-missing] # the same tokens
    """A party of the market: a data-centre operator, a grid operator or an auditor."""

    class Kind(models.TextChoices):
        """What the organisation is in the market; it decides which home its members see."""

        OPERATOR = "OPERATOR", "Data-centre operator"
        GRID = "GRID", "Grid operator"
        AUDITOR = "AUDITOR", "Auditor"

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    beckn_subscriber_id = models.CharField(max_length=255, blank=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one organisation."""

    class Role(models.TextChoices):
        """Roles in plain words; marketplace.rules.roles says what each may do."""

        VIEWER = "VIEWER", "Viewer"
        OPERATOR = "OPERATOR", "Operator"
        TRADER = "TRADER", "Trader"
        SETTLEMENT = "SETTLEMENT", "Settlement"
        ADMIN = "ADMIN", "Administrator"
        AUDITOR = "AUDITOR", "Auditor"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="one_role_per_person_and_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organisation}"


def role_of(user: User | None, organisation: Organisation) -> str | None:
    """The role of `user` in `organisation`, or None. A platform administrator acts as ADMIN everywhere."""
    if user is None or not user.is_authenticated:
        return None
    if user.acting_for is not None and user.acting_for != organisation:
        return None
    if user.is_superuser:
        return Membership.Role.ADMIN
    found = Membership.objects.filter(user=user, organisation=organisation).values_list("role", flat=True).first()
    return str(found) if found else None

"""Passwords of a cluster's mysqld accounts, in the form of Vitess's --db-credentials-file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from armillary.base.errors import InputError


@dataclass(frozen=True, slots=True)
class Credentials:
    """User -> password. Never shown: the repr hides all of it."""

    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `{"user": ["password", ...]}`; the first password of a user is the one in use.

        Raises:
            InputError: another form. The message never quotes the text.
        """
        try:
            document = json.loads(text)
        except ValueError:
            raise InputError("invalid credentials: not JSON") from None
        if not isinstance(document, dict):
            raise InputError("invalid credentials: wanted an object of user to passwords")
        passwords: dict[str, str] = {}
        for user, value in document.items():
            if not (isinstance(value, list) and value and isinstance(value[0], str)):
                raise InputError(f"invalid credentials of {user!r}: wanted a list of passwords")
            passwords[user] = value[0]
        return cls(passwords)

    @classmethod
    def load(cls, path: str) -> Self:
        """Read `path`; an empty path means that nobody has a password.

        Raises:
            InputError: the file cannot be read or parsed.
        """
        if not path:
            return cls()
        try:
            text = Path(path).read_text()
        except OSError as error:
            raise InputError(f"cannot read the credentials file {path}: {error.strerror}") from None
        return cls.parse(text)

    def password(self, user: str) -> str:
        return self.passwords.get(user, "")

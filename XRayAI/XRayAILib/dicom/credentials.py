"""Passwords and tokens of servers: from the environment or the system's keyring, and never anywhere else.

No function here puts a secret into an error, a log or a file; :class:`Credentials` does not show them either.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from XRayAILib.dicom.servers import Server, variable

TOKEN = "token"
"""The name under which the keyring has a token, which has no user."""


class CredentialsError(RuntimeError):
    """A password or token that is not known or cannot be kept, and where to put it."""


@dataclass(frozen=True)
class Credentials:
    """What opens a server; empty where it needs nothing."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def credentials_of(server: Server) -> Credentials:
    """What opens a server: from the environment where it is there, else from the keyring.

    Raises
    ------
    CredentialsError
        The server wants a login and neither has it.
    """
    if server.login == "none":
        return Credentials()
    if server.login == "token":
        return Credentials(token=_secret(server, "TOKEN", TOKEN))
    user = os.environ.get(variable(server, "USER")) or server.user
    if not user:
        name = variable(server, "USER")
        raise CredentialsError(
            f"Server '{server.name}' wants a password, but has no user name: give it one, or {name}."
        )
    return Credentials(user, _secret(server, "PASSWORD", user))


def remember(server: Server, secret: str) -> None:
    """Put the password or token of a server into the keyring; :class:`CredentialsError` where there is none."""
    import keyring
    from keyring.errors import KeyringError

    user = _keyring_user(server)
    try:
        keyring.set_password(_service(server), user, secret)
    except KeyringError as error:
        raise CredentialsError(_no_keyring(server, error)) from None


def forget(server: Server) -> None:
    """Take the password or token of a server out of the keyring; nothing where it has none."""
    if server.login == "none" or (server.login == "password" and not server.user):
        return
    import keyring
    from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError

    try:
        keyring.delete_password(_service(server), _keyring_user(server))
    except (PasswordDeleteError, NoKeyringError):
        return  # it was not there, which is what was wanted
    except KeyringError as error:
        raise CredentialsError(_no_keyring(server, error)) from None


def _keyring_user(server: Server) -> str:
    if server.login == "token":
        return TOKEN
    if server.login == "password" and server.user:
        return server.user
    raise CredentialsError(
        f"Server '{server.name}' needs no password as it is configured: choose a login, and a user name with it."
    )


def _secret(server: Server, what: str, user: str) -> str:
    name = variable(server, what)
    secret = os.environ.get(name) or _from_keyring(server, user)
    if not secret:
        raise CredentialsError(
            f"The {what.lower()} of server '{server.name}' is not known: put it into the keyring "
            f"('xrayai servers login {server.name}', or Password... in the panel), or into the variable {name}."
        )
    return secret


def _from_keyring(server: Server, user: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_service(server), user) or ""
    except KeyringError as error:
        raise CredentialsError(_no_keyring(server, error)) from None


def _service(server: Server) -> str:
    return f"xrayai:{server.name}"


def _no_keyring(server: Server, error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    name = variable(server, "TOKEN" if server.login == "token" else "PASSWORD")
    if isinstance(error, NoKeyringError):
        why = "This machine has no keyring (usual where nobody logs in at a screen)"
    elif isinstance(error, KeyringLocked):
        why = "The keyring of this machine is locked"
    else:
        why = f"The keyring of this machine does not answer ({type(error).__name__})"
    return f"{why}: set the environment variable {name} for server '{server.name}' instead."

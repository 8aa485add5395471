"""Passwords and logins."""

import base64

import bcrypt


def hashed(password: str) -> str:
    """Return a bcrypt hash that is quick to check."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def login(name: str, password: str) -> dict[str, str]:
    """Return the header of a login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}

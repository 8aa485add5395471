"""Passwords and logins."""

import base64

import bcrypt


def hashed(password: str, cost: int = 4) -> str:
    """Return a bcrypt hash; that of the lowest cost is quick to check."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def login(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}

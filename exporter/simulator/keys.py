"""Access keys: who may sign a request, for which account, and until when."""

import base64
import random
import string
from dataclasses import dataclass, replace

_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Credentials as AWS knows them.

    Attributes:
        access_key_id: `AKIA...` for a user, `ASIA...` for an assumed role.
        session_token: Empty for a user.
        arn: The principal.
        user_id: The principal's unique id.
        expires_at: Unix seconds, or None for a user.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str
    account_id: str
    arn: str
    user_id: str
    expires_at: float | None = None


class KeyRing:
    """All keys that were ever issued; an expired one is kept, as AWS knows it too."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._keys: dict[str, AccessKey] = {}

    def find(self, access_key_id: str) -> AccessKey | None:
        return self._keys.get(access_key_id)

    def issue_user(self, account_id: str, user_name: str) -> AccessKey:
        key_id, secret, user_id = f"AKIA{self._identifier()}", self._secret(30), f"AIDA{self._identifier()}"
        return self._keep(AccessKey(key_id, secret, "", account_id, f"arn:aws:iam::{account_id}:user/{user_name}", user_id))

    def issue_session(self, account_id: str, arn: str, session_name: str, expires_at: float) -> AccessKey:
        key_id, secret, token = f"ASIA{self._identifier()}", self._secret(30), self._secret(180)
        return self._keep(
            AccessKey(key_id, secret, token, account_id, arn, f"AROA{self._identifier()}:{session_name}", expires_at)
        )

    def expire_sessions(self, now: float) -> None:
        for key_id, key in list(self._keys.items()):
            if key.expires_at is not None:
                self._keys[key_id] = replace(key, expires_at=min(key.expires_at, now))

    def _keep(self, key: AccessKey) -> AccessKey:
        self._keys[key.access_key_id] = key
        return key

    def _identifier(self) -> str:
        return "".join(self._rng.choices(_ALPHABET, k=16))

    def _secret(self, size: int) -> str:
        return base64.b64encode(self._rng.randbytes(size)).decode()

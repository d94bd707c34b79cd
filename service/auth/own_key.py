"""A key of the process's own: signs the token that it shows to itself before anybody else can connect.

Owns how long that token is good at most. Knows nothing of what is in it, and of who trusts the key until when.
"""

import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from service.auth.jwks import ALGORITHM, MODULUS_BITS

# Longer than a start can take, and than a clock is wrong that is set while it lasts.
_SECONDS = 7200


class OwnKey:
    """A new key, which stands in for those of an issuer."""

    def __init__(self) -> None:
        """Make it, which takes a tenth of a second."""
        self._key = RSAKey.generate_key(MODULUS_BITS.start)

    async def find(self, _key_id: object) -> RSAKey:
        """Return it, whatever is asked for."""
        return self._key

    def token(self, claims: dict[str, Any]) -> str:
        """Return a token with `claims`, signed as an issuer does."""
        return jwt.encode({"alg": ALGORITHM}, claims | {"exp": int(time.time()) + _SECONDS}, self._key)

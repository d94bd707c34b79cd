"""The key of the self-test: signs the token that the process sends to itself before it accepts connections.

Owns the lifetime of that token. Knows nothing of its other claims, or of how long the key is trusted.
"""

import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from service.auth.jwks import ALGORITHM, MODULUS_BITS

# Longer than a start may take, plus any correction of the clock meanwhile.
_SECONDS = 7200


class OwnKey:
    """A new RSA key that stands in for the issuer's keys."""

    def __init__(self) -> None:
        """Generate the key, which takes a tenth of a second."""
        self._key = RSAKey.generate_key(MODULUS_BITS.start)

    async def find(self, _key_id: object) -> RSAKey:
        """Return the key for any id."""
        return self._key

    def token(self, claims: dict[str, Any]) -> str:
        """Return a token with `claims`, signed as an issuer does."""
        return jwt.encode({"alg": ALGORITHM}, claims | {"exp": int(time.time()) + _SECONDS}, self._key)

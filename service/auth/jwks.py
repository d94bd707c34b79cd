"""Which keys of a published JSON Web Key Set (RFC 7517) may have signed a token.

Owns the requirements for a key; an unusable key is skipped and does not affect the others. Pure: knows nothing of where
the set comes from, and nothing of tokens.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int

# Cognito signs with it, and every OpenID Connect provider must support it. Accepting one only prevents mix-ups.
ALGORITHM = "RS256"

# The minimum is that of RFC 7518, section 3.3; above the maximum, verifying a signature would delay other requests.
MODULUS_BITS = range(2048, 4096 + 1)
# OpenSSL accepts no larger one with a large modulus; the usual 65537 has 17.
MAX_EXPONENT_BITS = 64
# Parsing a number of a million digits would block the event loop; 4,096 bits are 683 characters.
_MAX_CHARACTERS = 1024

_DEMANDS: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
    ("no RSA key", lambda jwk: jwk.get("kty") == "RSA"),
    ("no kid", lambda jwk: isinstance(jwk.get("kid"), str) and jwk["kid"] != ""),
    ("not for signatures", lambda jwk: jwk.get("use") in (None, "sig") and _may_verify(jwk.get("key_ops"))),
    ("not for RS256", lambda jwk: jwk.get("alg") in (None, ALGORITHM)),
    # A published private key lets anybody sign.
    ("private", lambda jwk: "d" not in jwk),
)


@dataclass(frozen=True)
class SigningKeySet:
    """The usable keys by their ids, and the number of ignored keys by reason."""

    usable: Mapping[str, RSAKey]
    ignored: Mapping[str, int]


def read_key_set(document: dict[str, Any]) -> SigningKeySet:
    """Return the usable keys of a key set; raise `ValueError` if there are none or `document` is not a key set.

    Of several keys with the same id the first is used (ids should be distinct: RFC 7517, section 4.5).
    """
    published = document.get("keys")
    if not isinstance(published, list):
        raise ValueError('its key set has no list of "keys"')  # noqa: TRY004 - it came from outside
    usable: dict[str, RSAKey] = {}
    ignored: Counter[str] = Counter()
    for jwk in published:
        fault, key = _read(jwk)
        if key is None:
            ignored[fault] += 1
        elif usable.setdefault(jwk["kid"], key) is not key:
            ignored["kid of another key"] += 1
    if not usable:
        reasons = ", ".join(f"{count} {reason}" for reason, count in ignored.items()) or "it is empty"
        raise ValueError(f"its key set has no key for {ALGORITHM}: {reasons}")
    return SigningKeySet(usable, ignored)


def _read(jwk: object) -> tuple[str, RSAKey | None]:
    """Return the key, or else the reason why it is ignored."""
    if not isinstance(jwk, dict):
        return "no object", None
    for fault, holds in _DEMANDS:
        if not holds(jwk):
            return fault, None
    try:
        if max(len(jwk["n"]), len(jwk["e"])) > _MAX_CHARACTERS:
            return "bad size", None
        sizes = [base64_to_int(jwk[name]).bit_length() for name in ("n", "e")]
        if sizes[0] not in MODULUS_BITS or sizes[1] > MAX_EXPONENT_BITS:
            return "bad size", None
        # Only these are needed; other members of the JWK may be of any kind.
        return "", RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
    except (JoseError, KeyError, TypeError, ValueError):
        return "bad numbers", None


def _may_verify(key_ops: object) -> bool:
    return key_ops is None or (isinstance(key_ops, list) and "verify" in key_ops)

"""Which published keys are accepted, and that bad keys do not affect the others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.util import int_to_base64

from service.auth.jwks import read_key_set
from tests.support.issuer import private_key, public_jwk

GOOD = public_jwk("first")


def number(bits: int) -> str:
    """Return an odd number of so many bits as keys are written; no signature is checked with it."""
    return int_to_base64((1 << bits) - 1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use": None, "alg": None},
        {"use": None, "key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"x5c": 7, "x5t": None, "ext": True, "unheard of": {}},
        {"n": number(4096)},
        {"e": "Aw"},
    ],
    ids=["all", "least", "key_ops", "both", "others", "4096 bits", "exponent 3"],
)
def test_good_keys(changes: dict[str, Any]) -> None:
    """An RSA key for signatures is accepted, whatever else is published with it; null counts as absent."""
    keys = read_key_set({"keys": [GOOD | changes]})
    assert keys.usable.keys() == {"first"}
    assert not keys.ignored


BAD: dict[str, tuple[object, str]] = {
    "no dictionary": ("first", "no object"),
    "no kty": ({"kid": "other", "n": GOOD["n"], "e": GOOD["e"]}, "no RSA key"),
    "kty of another kind": (GOOD | {"kty": ["RSA"]}, "no RSA key"),
    "symmetric": ({"kty": "oct", "k": "AAAA", "kid": "other", "alg": "HS256"}, "no RSA key"),
    "unknown curve": ({"kty": "EC", "crv": "P-512", "x": "AA", "y": "AA", "kid": "other"}, "no RSA key"),
    "post-quantum": ({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "other"}, "no RSA key"),
    "no kid": ({name: GOOD[name] for name in ("kty", "n", "e")}, "no kid"),
    "empty kid": (GOOD | {"kid": ""}, "no kid"),
    "kid of another kind": (GOOD | {"kid": ["other"]}, "no kid"),
    "for encryption": (GOOD | {"kid": "other", "use": "enc"}, "not for signatures"),
    "unknown use": (GOOD | {"kid": "other", "use": ["sig"]}, "not for signatures"),
    "only signs": (GOOD | {"kid": "other", "key_ops": ["sign"]}, "not for signatures"),
    "key_ops of another kind": (GOOD | {"kid": "other", "key_ops": "verify"}, "not for signatures"),
    "other algorithm": (GOOD | {"kid": "other", "alg": "RS512"}, "not for RS256"),
    "for encryption by its algorithm": (GOOD | {"kid": "other", "alg": "RSA-OAEP"}, "not for RS256"),
    "private": (private_key("other").as_dict(private=True), "private"),
    "2047 bits": (GOOD | {"kid": "other", "n": number(2047)}, "bad size"),
    "4097 bits": (GOOD | {"kid": "other", "n": number(4097)}, "bad size"),
    "exponent of 65 bits": (GOOD | {"kid": "other", "e": number(65)}, "bad size"),
    "a million characters": (GOOD | {"kid": "other", "n": "_" * 1_000_000}, "bad size"),
    "no numbers": ({"kty": "RSA", "kid": "other"}, "bad numbers"),
    "numbers of another kind": (GOOD | {"kid": "other", "n": 5}, "bad numbers"),
    "padded": (GOOD | {"kid": "other", "e": "AQAB===="}, "bad numbers"),
    "empty exponent": (GOOD | {"kid": "other", "e": ""}, "bad numbers"),
    "even exponent": (GOOD | {"kid": "other", "e": "BA"}, "bad numbers"),
    "surrogates": (GOOD | {"kid": "other", "n": "\ud800"}, "bad numbers"),
    "same kid": (public_jwk("other") | {"kid": "first"}, "kid of another key"),
}


@pytest.mark.parametrize(("jwk", "reason"), BAD.values(), ids=BAD)
def test_bad_key_costs_only_itself(jwk: object, reason: str) -> None:
    """An unusable key is counted under its reason, and the good one beside it stays."""
    keys = read_key_set({"keys": [GOOD, jwk]})
    assert {name: key.as_dict()["n"] for name, key in keys.usable.items()} == {"first": GOOD["n"]}
    assert keys.ignored == {reason: 1}


_VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.text("AQ_-=+\ud800", max_size=350) | st.just([]) | st.just({})
)
_MEMBERS = ("kty", "kid", "n", "e", "use", "key_ops", "alg", "d")


@given(st.lists(_VALUES | st.dictionaries(st.sampled_from(_MEMBERS), _VALUES).map(lambda jwk: GOOD | jwk), max_size=3))
def test_no_key_is_too_strange(published: list[object]) -> None:
    """Whatever a key set contains, nothing is raised and the good key is found."""
    assert "last" in read_key_set({"keys": [*published, GOOD | {"kid": "last"}]}).usable

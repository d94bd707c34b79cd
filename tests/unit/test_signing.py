"""Signatures, compared with those of the AWS library."""

from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from service.storage.signing import Signer

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)
MOMENTS = st.integers(0, 4_000_000_000)


class AsOf(SigV4Auth):
    """The library's signatures at a moment that is told."""

    now = datetime.now(UTC)

    def add_auth(self, request: AWSRequest) -> None:
        """Sign, by the steps of the library, but for its look at the clock."""
        request.context["timestamp"] = self.now.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)  # type: ignore[attr-defined] # its stubs leave it out
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))  # type: ignore[attr-defined] # as above


@given(
    keys=st.tuples(VISIBLE, VISIBLE, st.none() | VISIBLE),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1"]),
    host=st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:8000"]),
    path=st.sampled_from(["/", "/table/", "/my%20table/~a"]),
    body=st.binary(max_size=200),
    moments=st.lists(MOMENTS, min_size=1, max_size=3),
)
def test_signs_as_the_library_does(
    keys: tuple[str, str, str | None], region: str, host: str, path: str, body: bytes, moments: list[int]
) -> None:
    """For any keys, address, body and moment, also one after another, the signatures are the same."""
    credentials = Credentials(*keys)
    signer, library = Signer("dynamodb", region, host, path), AsOf(credentials, "dynamodb", region)
    for moment in moments:
        library.now = datetime.fromtimestamp(moment, UTC)
        plain = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", f"https://{host}{path}", headers=dict(plain), data=body)
        library.add_auth(request)
        signed = dict(plain)
        signer.sign(credentials, signed, body, moment)
        assert signed == dict(request.headers.items())

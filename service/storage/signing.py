"""AWS Signature Version 4 of one kind of request: a POST of JSON to a fixed address.

The AWS library can sign any request, and derives the day's signing key anew for each one, which takes longer than the
rest of a call to DynamoDB. The rules are in "Create a signed AWS API request" of AWS's IAM User Guide. Knows nothing of
the content of requests, or of where credentials come from.
"""

import hashlib
import hmac
import time
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(Protocol):
    """AWS credentials; each of the three may change at any time."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signs requests to one service in one region, at one address."""

    def __init__(self, service: str, region: str, host: str, path: str) -> None:
        """Sign for `host`, including a port other than the scheme's default, and for `path` as it is sent."""
        self._service, self._region, self._host = service, region, host
        self._path = quote(path, safe="/~")  # encoded a second time, as all services but S3 require
        self._of_key = ("", "")
        self._key = b""

    def sign(self, credentials: Credentials, headers: dict[str, str], body: bytes, now: float | None = None) -> None:
        """Add the signature to `headers`, all of which are signed; `now` is the time in seconds of the Unix epoch."""
        stamp = _stamp(int(time.time() if now is None else now))
        headers["X-Amz-Date"] = stamp
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        signed = sorted([("host", self._host), *((name.lower(), value) for name, value in headers.items())])
        lines = "".join([f"{name}:{value}\n" for name, value in signed])
        names = ";".join([name for name, _ in signed])
        request = f"POST\n{self._path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._signing_key(credentials.secret_key, stamp[:8]), text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )

    def _signing_key(self, secret: str, day: str) -> bytes:
        if self._of_key != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._of_key, self._key = (secret, day), key
        return self._key


@lru_cache(maxsize=1)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))

"""TLS for stand-ins: a certificate authority of the tests' own, which AWS's clients trust through AWS_CA_BUNDLE."""

import atexit
import ssl
import tempfile
from functools import cache
from pathlib import Path

import trustme


class Authority:
    """Issues certificates to stand-ins; clients that trust its `certificate` can connect to them."""

    def __init__(self) -> None:
        """Make new keys, and put the certificate into a file that lasts as long as this process."""
        self._issuer = trustme.CA()
        self.certificate = self._issuer.cert_pem.bytes().decode()
        """As PEM, to be carried to other machines."""

        with tempfile.NamedTemporaryFile("w", prefix="authority-", suffix=".pem", delete=False) as file:
            file.write(self.certificate)
        self.bundle = file.name
        """Path of the certificate, as AWS_CA_BUNDLE wants it."""
        atexit.register(Path(self.bundle).unlink, missing_ok=True)

    @cache  # noqa: B019 - there is one authority for each process
    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return the TLS context of a server at `names`, which are host names or IP addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issuer.issue_cert(*names).configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """Return the authority of this process."""
    return Authority()

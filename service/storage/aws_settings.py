"""Errors in the AWS settings, which the AWS library reads, explained in one sentence.

Owns which failures to create a client are permanent. Knows nothing of DynamoDB.
"""

import os
import ssl
from json import JSONDecodeError
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import (
    ConnectionError as NoConnection,
)

from service.errors import SetupError, StorageUnavailable

# Errors of a source of credentials; the next attempt may succeed.
_MAY_PASS = (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoConnection,
    NoCredentialsError,
    RuntimeError,  # The credentials had already expired.
    TimeoutError,
)
_ADVICE: dict[type[Exception], str] = {
    NoRegionError: "no AWS region is set; set AWS_REGION",
    PartialCredentialsError: "the AWS credentials are incomplete; set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ProfileNotFound: "the AWS profile named by AWS_PROFILE does not exist; correct or unset it",
}


def check_certificates(session: AioSession) -> None:
    """Raise `SetupError` if the CA bundle is unusable; the AWS library would trust any server, or fail each call."""
    bundle = session.get_config_variable("ca_bundle")
    if bundle is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(bundle)
    except OSError as error:
        name = "AWS_CA_BUNDLE" if "AWS_CA_BUNDLE" in os.environ else "ca_bundle of the AWS configuration file"
        reason = "holds no certificate" if isinstance(error, ssl.SSLError) else f"cannot be read ({error.strerror})"
        raise SetupError(f"{name} {bundle!r} {reason}; name a file of certificates (PEM), or unset it") from error


def check_endpoint(url: str) -> None:
    """Raise `SetupError` if `url` is not a valid endpoint although the AWS library accepts it."""
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        raise SetupError(
            f"the DynamoDB endpoint {url!r} is wrong: {error}; correct AWS_ENDPOINT_URL_DYNAMODB"
        ) from error


def explained(error: Exception, session: AioSession) -> SetupError | StorageUnavailable:
    """Return the error to raise for a client that could not be created: `StorageUnavailable` if it may be temporary."""
    if isinstance(error, NoCredentialsError):
        return StorageUnavailable("NoCredentialsError")
    if isinstance(error, _MAY_PASS):
        return StorageUnavailable("CredentialRetrievalError")
    return SetupError(_ADVICE.get(type(error)) or f"the AWS settings are wrong: {_sentence(error, session)}")


def _sentence(error: Exception, session: AioSession) -> str:
    if isinstance(error, InvalidRegionError):
        return f"{error} Correct AWS_REGION."
    token = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if token and isinstance(error, OSError) and error.filename == token:
        return f"AWS_WEB_IDENTITY_TOKEN_FILE {token!r} cannot be read ({error.strerror})"
    if isinstance(error, OSError | JSONDecodeError) and (command := _credential_process(session)):
        reason = "does not print JSON" if isinstance(error, JSONDecodeError) else f"cannot be run ({error.strerror})"
        return f"credential_process {command!r} {reason}"
    return " ".join(str(error).split())


def _credential_process(session: AioSession) -> str | None:
    # Only the command of the profile itself, not one of its source profile.
    command: str | None = session.get_scoped_config().get("credential_process")
    return command

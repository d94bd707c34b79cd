"""Wrong AWS settings: the start fails at once, with one sentence that names the setting."""

import dataclasses
from pathlib import Path

import pytest
import structlog

from service.config import Config
from service.errors import SetupError
from service.storage.startup import connected_store

_SSO = """
[profile broken]
sso_start_url = https://sso.example.com
sso_region = eu-central-1
sso_account_id = 111111111111
sso_role_name = reader
"""
_ROLE = """
[profile broken]
role_arn = arn:aws:iam::111111111111:role/reader
source_profile = gone
"""


@pytest.fixture
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the credentials that would be found first."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)


async def refusal(config: Config) -> str:
    """Return the sentence with which start-up fails although it might wait for an hour."""
    with structlog.testing.capture_logs() as events, pytest.raises(SetupError) as failure:
        async with connected_store(dataclasses.replace(config, startup_seconds=3600)):
            pass
    assert not events
    return str(failure.value)


@pytest.mark.usefixtures("_no_keys")
@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        (_SSO, "Error loading SSO Token"),
        ("[profile broken", "Unable to parse config file"),
        (
            "[profile broken]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = gone\n",
            'source_profile "gone"',
        ),
        ("[profile broken]\ncredential_process = /no/such/tool\n", "credential_process '/no/such/tool' cannot be run"),
        ("[profile broken]\ncredential_process = echo hello\n", "credential_process 'echo hello' does not print JSON"),
    ],
    ids=["no SSO login", "no configuration file", "no source profile", "no credential process", "no JSON"],
)
async def test_wrong_profile(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, sentence: str
) -> None:
    """A profile that gives no credentials is explained, in the AWS library's own words where they are exact."""
    (tmp_path / "config").write_text(profile)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "broken")
    assert sentence in await refusal(config)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AWS_REGION", '"eu-central-1"', "Correct AWS_REGION"),
        ("AWS_CA_BUNDLE", "", "AWS_CA_BUNDLE '' cannot be read"),
        ("AWS_CA_BUNDLE", "/no/such.pem", "AWS_CA_BUNDLE '/no/such.pem' cannot be read (No such file or directory)"),
        ("AWS_CA_BUNDLE", "/", "AWS_CA_BUNDLE '/' cannot be read (Is a directory)"),
        ("AWS_CA_BUNDLE", __file__, "holds no certificate"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:99999", "correct AWS_ENDPOINT_URL_DYNAMODB"),
    ],
)
async def test_wrong_variable(
    config: Config, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """A variable that can never work is named; in particular, an empty AWS_CA_BUNDLE does not mean trusting anybody."""
    monkeypatch.setenv(name, value)
    assert sentence in await refusal(config)


@pytest.mark.usefixtures("_no_keys")
async def test_missing_web_identity(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file with an identity is named together with its variable."""
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/reader")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token")
    assert "AWS_WEB_IDENTITY_TOKEN_FILE '/no/such/token' cannot be read" in await refusal(config)

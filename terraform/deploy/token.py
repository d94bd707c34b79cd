"""A token for the smoke tests, where the service asks for one."""

import base64
import json
import urllib.parse
import urllib.request
from http.client import HTTPException

import boto3

from terraform.deploy.exit_status import Failed


def fetch(session: boto3.Session, authentication: dict[str, str] | None) -> str | None:
    """Return a token of the machine client, or None where authentication is off; raise Failed if none comes."""
    if authentication is None:
        return None
    pool, client_id = authentication["issuer"].rpartition("/")[2], authentication["client_id"]
    told = session.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=client_id)
    secret = told["UserPoolClient"]["ClientSecret"]
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    body = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    request = urllib.request.Request(authentication["token_endpoint"], body, {"Authorization": f"Basic {basic}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["access_token"])
    except (HTTPException, OSError, ValueError, KeyError) as error:
        raise Failed(f"{authentication['token_endpoint']} gives no token: {error!r}") from error

"""The commands of docs/api.md that get a token run as they are written."""

import asyncio
import base64
import json
import os
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.infra.snippets import blocks
from tests.support.issuer import Issuer
from tests.support.listening import listening_on

pytestmark = pytest.mark.clients

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "api.md"
AUTHENTICATION = (ROOT / "terraform" / "modules" / "service" / "authentication.tf").read_text(encoding="utf-8")
CLIENT_ID, SECRET = "4at70ab", "s3cr/+t="
# In place of Terraform and of AWS's command line: each knows the calls of the document and no other.
STAND_INS = {
    "terraform": """#!/bin/sh
case "$TF_DATA_DIR $*" in
  ".terraform/prod -chdir=terraform output -raw url") printf %s "$TEST_URL" ;;
  ".terraform/prod -chdir=terraform output -json authentication") echo "$TEST_AUTHENTICATION" ;;
  *) echo "terraform was not expected to be called with: $*" >&2; exit 2 ;;
esac
""",
    "aws": f"""#!/bin/sh
case "$*" in
  "cognito-idp describe-user-pool-client --user-pool-id eu-central-1_Ab12 --client-id {CLIENT_ID} \
--query UserPoolClient.ClientSecret --output text") echo "{SECRET}" ;;
  *) echo "aws was not expected to be called with: $*" >&2; exit 2 ;;
esac
""",
}


def commands() -> str:
    """Return the commands that the section on authentication shows."""
    text = DOCUMENT.read_text(encoding="utf-8").split("\n## Authentication\n")[1].split("\n## ")[0]
    found = blocks(text, "sh")
    assert len(found) == 1, "Authentication in docs/api.md needs exactly one sh block, which gets a token"
    return found[0]


def provide(folder: Path) -> None:
    """Put the stand-ins into `folder`."""
    for name, script in STAND_INS.items():
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)


def output(endpoint: str) -> dict[str, str]:
    """Return Terraform's output `authentication`; its fields are those of the Terraform code."""
    fields = re.findall(r"^    (\w+) += ", AUTHENTICATION.split("? {\n")[1].split("\n  }")[0], re.MULTILINE)
    issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12"
    told = {"issuer": issuer, "token_endpoint": endpoint, "client_id": CLIENT_ID}
    assert sorted(fields) == sorted(told), "authentication.tf tells other fields; tell them in docs/api.md and here"
    return told


def token_endpoint(issuer: Issuer) -> web.AppRunner:
    """Return a server that gives tokens as Cognito does for the client credentials grant (RFC 6749, section 4.4)."""

    async def give(request: web.Request) -> web.Response:
        form = await request.post()
        basic = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if request.headers["Authorization"] != f"Basic {basic}" or form["grant_type"] != "client_credentials":
            return web.json_response({"error": "invalid_client"}, status=400)
        return web.json_response({"access_token": issuer.token(scope=form["scope"]), "token_type": "Bearer"})

    app = web.Application()
    app.router.add_post("/oauth2/token", give)
    return web.AppRunner(app, access_log=None)


async def pasted(script: str, folder: Path, **environ: str) -> str:
    """Run a script with bash, which stops at the first error, and return what it printed."""
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    pipe = asyncio.subprocess.PIPE
    command = ("bash", "-euo", "pipefail", "-c", script)
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | path | environ, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate()
    assert process.returncode == 0, f"the commands of docs/api.md failed:\n{errors.decode()}"
    return output.decode()


async def test_token_flow_ends_with_a_greeting(guarded: tuple[str, Issuer], tmp_path: Path) -> None:
    """From Terraform's outputs to the greeting, with a token that has both scopes."""
    url, issuer = guarded
    provide(tmp_path)
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    body = {"dateOfBirth": "1990-06-15"}
    async with aiohttp.ClientSession(url, headers=headers) as client, client.put("/hello/Ada", json=body) as response:
        assert response.status == 204
    async with listening_on(token_endpoint(issuer)) as tokens:
        told = json.dumps(output(f"{tokens}/oauth2/token"))
        printed = await pasted(commands(), tmp_path, TEST_URL=url, TEST_AUTHENTICATION=told)
    assert json.loads(printed) == {"message": "Hello, Ada! Happy Birthday!"}

"""An embedded DynamoDB-compatible store for development: moto's server on a free loopback port.

Owns `--local`. Sets AWS's own environment variables, so that everything else runs exactly as in
production and can never reach a real account.
"""

import asyncio
import os

from service.errors import SetupError
from service.storage.dynamodb import create_table


def start(table_name: str) -> None:
    """Start the store in this process, point AWS's variables at it and create the table."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - an optional extra, never in production
    except ImportError:
        raise SetupError("--local needs the extra 'local'; install it with: uv sync --extra local") from None
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://{host}:{port}",
        "AWS_REGION": "eu-central-1",
    }
    asyncio.run(create_table(table_name))

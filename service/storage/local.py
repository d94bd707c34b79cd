"""An embedded DynamoDB-compatible store for development: moto's server on a free loopback port.

Owns `--local`. Sets AWS's own environment variables, so that everything else runs exactly as in
production and can never reach a real account.
"""

import asyncio
import os
import ssl
import threading
from typing import TYPE_CHECKING

from service.errors import SetupError
from service.storage.dynamodb import create_table

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer


def start(table_name: str) -> None:
    """Start the store in this process, point AWS's variables at it and create the table."""
    server = serve("127.0.0.1")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://{server.host}:{server.port}",
        "AWS_REGION": "eu-central-1",
        **_without_proxy(server.host),
    }
    asyncio.run(create_table(table_name))


def serve(address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> "BaseWSGIServer":
    """Serve the store from a thread, on a free port unless one is given; raise `SetupError` without its extra."""
    try:
        from moto.moto_server import werkzeug_app as moto  # noqa: PLC0415 - an optional extra, never in production
        from werkzeug.serving import make_server  # noqa: PLC0415 - comes with moto
    except ImportError:
        raise SetupError(
            "--local needs the extra 'local'; install it with: pip install 'hello-birthday[local]'"
        ) from None

    class Handler(moto.MotoRequestHandler):
        def send_response(self, code: int, message: str | None = None) -> None:
            """Leave out the Server field, which moto sends too: with PYTHONDEVMODE aiohttp refuses a second one."""
            self.send_response_only(code, message)
            self.send_header("Date", self.date_time_string())

    application = moto.DomainDispatcherApplication(moto.create_backend_app)
    server = make_server(address, port, application, threaded=True, request_handler=Handler, ssl_context=tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _without_proxy(host: str) -> dict[str, str]:
    """Return the variables that keep the way to `host` free of proxies: nobody else is to see what is sent."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return dict.fromkeys(("no_proxy", "NO_PROXY"), f"{given},{host}" if given else host)

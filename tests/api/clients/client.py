"""A program that uses the Python client which openapi-python-client makes of the OpenAPI document.

    python client.py SERVICE GATEWAY

calls the service, then the gateway in front of it, and prints the answers as a JSON list.
"""

import json
import sys
from datetime import date

from generated import Client
from generated.api.birthdays import get_user, put_user
from generated.models import Greeting, User

service, gateway = (Client(base_url=url) for url in sys.argv[1:])
stored = put_user.sync_detailed("Ada", client=service, body=User(date_of_birth=date(1990, 12, 10)))
greeting = get_user.sync("Ada", client=service)
unknown = get_user.sync_detailed("Nobody", client=service)
refused = put_user.sync_detailed("Ada", client=service, body=User(date_of_birth=date(9999, 12, 31)))
flooded = get_user.sync_detailed("Ada", client=gateway)
novel = get_user.sync_detailed("Ada", client=gateway)

assert isinstance(greeting, Greeting)
answers = [
    [stored.status_code, None],
    [200, greeting.message],
    [unknown.status_code, unknown.parsed.code],
    [refused.status_code, refused.parsed.code],
    [flooded.status_code, flooded.parsed.code, flooded.headers["Retry-After"]],
    [novel.status_code, novel.parsed.code],
]
json.dump(answers, sys.stdout)

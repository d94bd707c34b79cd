"""The two operations of the service: store a date of birth, greet a user.

Each parses its input, applies the rules, calls the store and responds; errors propagate to `middlewares.py`.
"""

import orjson
from aiohttp import web

from service.api.answer import Answer
from service.api.payload import read_json_object
from service.birthdays import greeting, parse_date_of_birth, parse_username
from service.errors import UserNotFound
from service.keys import CONFIG, STORE, TODAY


async def put_user(request: web.Request) -> Answer:
    """Store the date of birth of a new or a known user; respond with 204."""
    username = parse_username(request.match_info["username"])
    body = await read_json_object(request, request.app[CONFIG].body_seconds)
    born = parse_date_of_birth(body.get("dateOfBirth"), request.app[TODAY]())
    await request.app[STORE].put(username, born)
    return Answer(204)


async def get_user(request: web.Request) -> Answer:
    """Respond with 200 and the greeting; raise `UserNotFound` for an unknown user."""
    username = parse_username(request.match_info["username"])
    born = await request.app[STORE].get(username)
    if born is None:
        raise UserNotFound
    body = orjson.dumps({"message": greeting(username, born, request.app[TODAY]())})
    return Answer(200, body, "application/json; charset=utf-8")

"""Hello Birthday as aiohttp's and aiobotocore's documentation teach it: handlers, one client in a cleanup context."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

from aiobotocore.client import AioBaseClient
from aiobotocore.session import get_session
from aiohttp import web

from service.birthdays import greeting, parse_date_of_birth, parse_username
from service.errors import HelloError

TABLE = "birthdays"
DYNAMODB = web.AppKey("DYNAMODB", AioBaseClient)

routes = web.RouteTableDef()


@routes.put("/hello/{username}")
async def put_user(request: web.Request) -> web.Response:
    """Store a date of birth."""
    try:
        username = parse_username(request.match_info["username"])
        born = parse_date_of_birth((await request.json())["dateOfBirth"], datetime.now(UTC).date())
    except HelloError as error:
        raise web.HTTPBadRequest(text=error.detail) from error
    item = {"username": {"S": username}, "dateOfBirth": {"S": born.isoformat()}}
    await request.app[DYNAMODB].put_item(TableName=TABLE, Item=item)
    return web.Response(status=204)


@routes.get("/hello/{username}")
async def get_user(request: web.Request) -> web.Response:
    """Greet a user."""
    try:
        username = parse_username(request.match_info["username"])
    except HelloError as error:
        raise web.HTTPBadRequest(text=error.detail) from error
    key = {"username": {"S": username}}
    response = await request.app[DYNAMODB].get_item(TableName=TABLE, Key=key, ConsistentRead=True)
    if "Item" not in response:
        raise web.HTTPNotFound
    born = date.fromisoformat(response["Item"]["dateOfBirth"]["S"])
    return web.json_response({"message": greeting(username, born, datetime.now(UTC).date())})


async def dynamodb(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the application starts and close it when it ends."""
    async with get_session().create_client("dynamodb") as client:
        app[DYNAMODB] = client
        yield


if __name__ == "__main__":
    application = web.Application()
    application.add_routes(routes)
    application.cleanup_ctx.append(dynamodb)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]))

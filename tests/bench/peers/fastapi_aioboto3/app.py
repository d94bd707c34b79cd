"""Hello Birthday as FastAPI's and aioboto3's documentation teach it: path operations, a model, a long-lived client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Annotated

import aioboto3
from fastapi import FastAPI, HTTPException, Path, Request, status
from pydantic import BaseModel, Field, PastDate

from service.birthdays import greeting

TABLE = "birthdays"

Username = Annotated[str, Path(pattern="^[A-Za-z]+$", max_length=256)]


class User(BaseModel):
    """The body of a PUT."""

    date_of_birth: PastDate = Field(alias="dateOfBirth")


class Greeting(BaseModel):
    """The body of the answer to a GET."""

    message: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the client when the application starts and close it when it ends."""
    async with aioboto3.Session().client("dynamodb") as client:
        app.state.dynamodb = client
        yield


app = FastAPI(lifespan=lifespan)


@app.put("/hello/{username}", status_code=status.HTTP_204_NO_CONTENT)
async def put_user(request: Request, username: Username, user: User) -> None:
    """Store a date of birth."""
    item = {"username": {"S": username}, "dateOfBirth": {"S": user.date_of_birth.isoformat()}}
    await request.app.state.dynamodb.put_item(TableName=TABLE, Item=item)


@app.get("/hello/{username}")
async def get_user(request: Request, username: Username) -> Greeting:
    """Greet a user."""
    response = await request.app.state.dynamodb.get_item(
        TableName=TABLE, Key={"username": {"S": username}}, ConsistentRead=True
    )
    if "Item" not in response:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    born = date.fromisoformat(response["Item"]["dateOfBirth"]["S"])
    return Greeting(message=greeting(username, born, datetime.now(UTC).date()))

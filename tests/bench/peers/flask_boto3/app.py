"""Hello Birthday as Flask's and boto3's documentation teach it: views, and one client shared by gunicorn's threads."""

from datetime import UTC, date, datetime
from http import HTTPStatus

import boto3
from botocore.config import Config
from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from service.birthdays import greeting, parse_date_of_birth, parse_username
from service.errors import HelloError

TABLE = "birthdays"

app = Flask(__name__)
# One connection for each of gunicorn's threads; with the default of 10 they would queue for one, or open new ones.
dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=16))


@app.errorhandler(HelloError)
def refuse(error: HelloError) -> ResponseReturnValue:
    """Answer input that breaks a rule."""
    return {"message": error.detail}, error.status


@app.put("/hello/<username>")
def put_user(username: str) -> ResponseReturnValue:
    """Store a date of birth."""
    born = parse_date_of_birth(request.get_json()["dateOfBirth"], datetime.now(UTC).date())
    item = {"username": {"S": parse_username(username)}, "dateOfBirth": {"S": born.isoformat()}}
    dynamodb.put_item(TableName=TABLE, Item=item)
    return "", HTTPStatus.NO_CONTENT


@app.get("/hello/<username>")
def get_user(username: str) -> ResponseReturnValue:
    """Greet a user."""
    key = {"username": {"S": parse_username(username)}}
    response = dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
    if "Item" not in response:
        abort(HTTPStatus.NOT_FOUND)
    born = date.fromisoformat(response["Item"]["dateOfBirth"]["S"])
    return {"message": greeting(username, born, datetime.now(UTC).date())}

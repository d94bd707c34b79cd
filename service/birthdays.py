"""The rules of the domain: what a valid username and date of birth are, and which greeting a user gets.

Owns every decision about names and dates. Pure: no I/O, no clock, no web framework, no storage.
"""

import re
from datetime import date

from service.errors import InvalidDateOfBirth, InvalidUsername

_USERNAME = re.compile(r"[A-Za-z]{1,256}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEND = 'send a string of ten characters such as "2000-12-31"'


def parse_username(text: str) -> str:
    """Return `text` unchanged if it is 1 to 256 ASCII letters; raise `InvalidUsername` otherwise."""
    if not _USERNAME.fullmatch(text):
        raise InvalidUsername
    return text


def parse_date_of_birth(text: object, today: date) -> date:
    """Parse `YYYY-MM-DD`: exactly ten ASCII characters, a Gregorian date strictly before `today`.

    There is no oldest date. Raises `InvalidDateOfBirth` for anything else; its message does not repeat the input.
    """
    if text is None:
        raise InvalidDateOfBirth(f"dateOfBirth is missing or null; {_SEND}.")
    if not isinstance(text, str):
        raise InvalidDateOfBirth(f"dateOfBirth must be a string; {_SEND}.")
    if not _DATE.fullmatch(text):
        raise InvalidDateOfBirth(f"dateOfBirth is not written YYYY-MM-DD; {_SEND}.")
    try:
        born = date.fromisoformat(text)
    except ValueError:
        raise InvalidDateOfBirth("dateOfBirth is no real date; check its year, month and day.") from None
    if born >= today:
        raise InvalidDateOfBirth("dateOfBirth is not before today (UTC); send a date in the past.")
    return born


def birthday_in(year: int, born: date) -> date:
    """Return the birthday in `year`; a birthday on 29 February falls on 1 March in common years."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def days_until_birthday(born: date, today: date) -> int:
    """Return the number of days, 0 to 365, from `today` to the next birthday; 0 means that it is today."""
    birthday = birthday_in(today.year, born)
    if birthday < today:
        birthday = birthday_in(today.year + 1, born)
    return (birthday - today).days


def greeting(username: str, born: date, today: date) -> str:
    """Return the sentence that greets `username` on `today`."""
    days = days_until_birthday(born, today)
    if days == 0:
        return f"Hello, {username}! Happy Birthday!"
    return f"Hello, {username}! Your birthday is in {days} day(s)"

"""The rules of birthdays, compared with an oracle that counts day by day."""

import string
from calendar import isleap
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.birthdays import days_until_birthday, greeting, parse_date_of_birth, parse_username
from service.errors import InvalidDateOfBirth, InvalidUsername

TODAY = date(2025, 6, 15)
LEAP_YEAR = 1600
# From 1 January to 1 January: leap years and all that lie before, between and after them, and a century without one.
SPANS = [(2000, 2005), (2099, 2101)]


def is_birthday(day: date, month: int, month_day: int) -> bool:
    """Say whether `day` is the birthday, in the words of the contract."""
    if (month, month_day) == (2, 29) and not isleap(day.year):
        return (day.month, day.day) == (3, 1)
    return (day.month, day.day) == (month, month_day)


def walk(days: list[date], month: int, month_day: int) -> list[int]:
    """Count, for each day, the steps to the next birthday by walking backwards through time."""
    distances, steps = [], 0
    for day in reversed(days):
        steps = 0 if is_birthday(day, month, month_day) else steps + 1
        distances.append(steps)
    return distances[::-1]


def kinds(years: Iterable[int]) -> set[tuple[bool, bool, bool, bool]]:
    """Return what sets years apart: whether this one, the one before and the one after are leap years or a century."""
    return {(isleap(year - 1), isleap(year), isleap(year + 1), year % 100 == 0) for year in years}


def test_spans_have_years_of_all_kinds() -> None:
    """The years that are tested day by day include every kind of year in the calendar's cycle of 400 years."""
    assert kinds(year for first, last in SPANS for year in range(first, last)) == kinds(range(2000, 2400))


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_every_birthday_on_every_day(first: int, last: int, month: int) -> None:
    """The distance is what a day-by-day walk counts, for all days of all kinds of years and all days of birth."""
    days = [date(first, 1, 1) + timedelta(days=n) for n in range((date(last, 1, 1) - date(first, 1, 1)).days)]
    next_year = [date(last, 1, 1) + timedelta(days=n) for n in range(366)]
    born = date(LEAP_YEAR, month, 1)
    while born.month == month:
        expected = walk(days + next_year, month, born.day)[: len(days)]
        assert list(map(days_until_birthday, repeat(born), days)) == expected, born
        assert max(expected) <= 365
        born += timedelta(days=1)


@given(born=st.dates(), today=st.dates(max_value=date(9998, 12, 31)))
def test_distance_leads_to_a_birthday_and_to_none_before(born: date, today: date) -> None:
    """As many days ahead as the rule says is the birthday, in any year."""
    days = days_until_birthday(born, today)
    assert 0 <= days <= 365
    assert is_birthday(today + timedelta(days=days), born.month, born.day)


@pytest.mark.parametrize(
    ("born", "today", "days"),
    [
        ("2000-02-29", "2023-02-28", 1),
        ("2000-02-29", "2023-03-01", 0),
        ("2000-02-29", "2024-02-28", 1),
        ("2000-02-29", "2024-02-29", 0),
        ("2000-02-29", "2024-03-01", 365),
        ("2000-02-29", "2100-02-28", 1),
        ("2000-02-29", "2100-03-01", 0),
        ("2000-03-01", "2024-02-29", 1),
        ("2000-03-01", "2023-02-28", 1),
        ("1999-12-31", "2024-01-01", 365),
        ("2000-01-01", "2024-01-02", 365),
        ("2000-01-01", "2023-01-02", 364),
        ("1999-12-31", "2023-12-31", 0),
        ("0001-01-01", "2023-12-31", 1),
    ],
)
def test_days_people_argue_about(born: str, today: str, days: int) -> None:
    """29 February, the turn of the year and the first year of the calendar count as documented."""
    assert days_until_birthday(date.fromisoformat(born), date.fromisoformat(today)) == days


def test_greeting_on_the_day_and_before() -> None:
    """On the day the greeting congratulates; on other days it states the distance, with 'day(s)' even for one."""
    assert greeting("Ada", date(1990, 6, 15), TODAY) == "Hello, Ada! Happy Birthday!"
    assert greeting("Ada", date(1990, 6, 16), TODAY) == "Hello, Ada! Your birthday is in 1 day(s)"
    assert greeting("Ada", date(1990, 6, 14), TODAY) == "Hello, Ada! Your birthday is in 364 day(s)"


@given(st.text(string.ascii_letters, min_size=1, max_size=256))
def test_letters_are_a_username_as_given(name: str) -> None:
    """One to 256 ASCII letters come back unchanged."""
    assert parse_username(name) == name


@given(st.text())
def test_anything_else_is_no_username(name: str) -> None:
    """Anything but ASCII letters, and what is too long or empty, is refused."""
    if name.isascii() and name.isalpha() and len(name) <= 256:
        assert parse_username(name) == name
    else:
        with pytest.raises(InvalidUsername):
            parse_username(name)


@given(st.dates(max_value=TODAY - timedelta(days=1)))
def test_every_past_date_is_a_date_of_birth(born: date) -> None:
    """Any date before today is parsed, however long ago."""
    assert parse_date_of_birth(born.isoformat(), TODAY) == born


@given(st.dates(min_value=TODAY))
def test_today_and_later_are_no_dates_of_birth(born: date) -> None:
    """A date of birth of today or in the future is refused."""
    with pytest.raises(InvalidDateOfBirth):
        parse_date_of_birth(born.isoformat(), TODAY)


@given(st.text() | st.integers() | st.none() | st.booleans() | st.floats() | st.lists(st.text()))
def test_nothing_else_is_a_date_of_birth(value: object) -> None:
    """Anything but a string with a real date in ten ASCII characters is refused."""
    with pytest.raises(InvalidDateOfBirth):
        parse_date_of_birth(value, TODAY)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "is missing or null"),
        (19900615, "must be a string"),
        ("15.06.1990", "is not written YYYY-MM-DD"),
        ("1990-02-30", "is no real date"),
        ("2025-06-15", "is not before today"),
        ("2031-01-01", "is not before today"),
    ],
)
def test_detail_says_what_is_wrong_and_what_to_do(value: object, fault: str) -> None:
    """Each kind of fault has its own message, which does not repeat the value, because it is personal data."""
    with pytest.raises(InvalidDateOfBirth) as failure:
        parse_date_of_birth(value, TODAY)
    assert failure.value.detail.startswith(f"dateOfBirth {fault}")
    assert "; " in failure.value.detail
    assert value is None or str(value) not in failure.value.detail

"""A browser, and the services it visits: an open one, and one that requires tokens."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from service.config import Config
from tests.support.issuer import AUDIENCE, Issuer, running_issuer
from tests.support.process import running_service

if TYPE_CHECKING:  # only `make browser-test` installs it
    from playwright.async_api import Browser, Page

Visit = Callable[[str], Awaitable["Page"]]


@pytest_asyncio.fixture(scope="session")
async def open_url(config: Config) -> AsyncIterator[str]:
    """Yield the URL of a service that requires no tokens."""
    async with running_service(HELLO_TABLE_NAME=config.table_name) as service:
        yield service.url


@pytest_asyncio.fixture(scope="session")
async def guarded_service(config: Config) -> AsyncIterator[tuple[str, Issuer]]:
    """Yield the URL of a service that requires tokens, and their issuer."""
    async with running_issuer() as issuer:
        settings = {"HELLO_AUTH_ISSUER": issuer.url, "HELLO_AUTH_AUDIENCE": AUDIENCE}
        async with running_service(HELLO_TABLE_NAME=config.table_name, **settings) as service:
            yield service.url, issuer


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator["Browser"]:
    """Start the Chromium that is installed on this machine."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - as above

    path = shutil.which("chromium") or pytest.fail("install Chromium (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        # Chromium refuses to run as root with its sandbox; it visits only our own service here.
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def visit(chromium: "Browser") -> AsyncIterator[Visit]:
    """Yield a function that opens a new page; at the end, no page may have complained.

    A complaint is an error or a warning on the console, where violations of the page's CSP also appear.
    """
    complaints: list[str] = []

    async def open_page(url: str) -> "Page":
        page = await chromium.new_page(reduced_motion="reduce")
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(url)
        await page.locator(".opblock").first.wait_for()
        return page

    yield open_page
    for context in chromium.contexts:
        await context.close()
    assert complaints == [], "the page's console shows what to mend in service/api/docs.*"

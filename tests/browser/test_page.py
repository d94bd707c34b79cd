"""What the page shows and does: examples that are true, requests that are sent, padlocks where there are locks."""

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yaml

from service.birthdays import greeting
from tests.browser.conftest import Visit
from tests.support.issuer import Issuer

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

pytestmark = pytest.mark.browser
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/docs/"])
async def test_other_paths_lead_to_the_page(visit: Visit, open_url: str, path: str) -> None:
    """Whoever opens the root, or the page with a slash too many, ends at the page."""
    page = await visit(open_url + path)
    assert page.url == f"{open_url}/docs"
    assert await page.title() == "Hello Birthday API"


async def test_without_javascript(chromium: "Browser", open_url: str) -> None:
    """Whoever has no JavaScript is told so, and finds the document."""
    page = await chromium.new_page(java_script_enabled=False)
    await page.goto(f"{open_url}/docs")
    assert "needs JavaScript" in await page.locator("noscript").inner_text()
    assert await page.locator("noscript a").get_attribute("href") == "/openapi.yaml"
    await page.close()


async def test_examples_show_their_status(visit: Visit, open_url: str) -> None:
    """The example of each error tells the very status that it stands under, and a type that fits its code."""
    promised = _problems(await _document(open_url))
    page = await visit(f"{open_url}/docs")
    for opened in await page.locator(".opblock-summary-control").all():
        await opened.click()
    wrong = []
    for operation, status in sorted(promised):
        row = page.locator(f'[id$="-{operation}"] .responses-table tr.response[data-code="{status}"]')
        wrong += [
            f"{operation} {status}: {shown}"
            for shown in await _examples(row)
            if shown["status"] != int(status) or not shown["type"].endswith(f":{shown['code'].replace('_', '-')}")
        ]
    assert promised
    assert wrong == [], "give these responses examples of their own in service/api/openapi.yaml"


async def test_requests_are_sent(visit: Visit, open_url: str, username: str) -> None:
    """Whoever fills in a name and presses Execute stores the date of the example, and is greeted."""
    page = await visit(f"{open_url}/docs")
    stored = await execute(page, "putUser", username)
    assert await _status(stored) == "204"
    days = [datetime.now(UTC).date()]
    greeted = await execute(page, "getUser", username)
    days.append(datetime.now(UTC).date())
    assert await _status(greeted) == "200"
    shown = json.loads(await greeted.locator(".highlight-code code").first.inner_text())
    assert shown in [{"message": greeting(username, date(1990, 12, 10), day)} for day in days]


async def test_no_padlocks_without_authentication(visit: Visit, open_url: str) -> None:
    """Where nobody needs a token, nothing on the page asks for one."""
    page = await visit(f"{open_url}/docs")
    assert await page.locator(".authorize, .authorization__btn").count() == 0


async def test_padlocks_with_authentication(visit: Visit, guarded_service: tuple[str, Issuer], username: str) -> None:
    """Where tokens are needed, what needs one has a padlock, and Execute sends the token that was given."""
    url, issuer = guarded_service
    page = await visit(f"{url}/docs")
    locked = page.locator(".opblock", has=page.locator(".authorization__btn"))
    assert await locked.locator(".opblock-summary-path").all_inner_texts() == 2 * ["/hello/{username}"]
    assert await page.locator(".authorization__btn.locked").count() == 0
    await page.locator(".btn.authorize").click()
    await page.locator(".modal-ux input").fill(issuer.token())
    await page.locator(".modal-ux .modal-btn.authorize").click()
    await page.locator(".modal-ux .btn-done").click()
    await page.locator(".authorization__btn.locked").first.wait_for()
    assert await _status(await execute(page, "putUser", username)) == "204"


async def execute(page: "Page", operation: str, username: str) -> "Locator":
    """Send a request as a reader does, and return the answer's row."""
    block = page.locator(f'[id$="-{operation}"]')
    await block.locator(".opblock-summary-control").click()
    await block.locator("input").fill(username)
    await block.locator(".execute").click()
    answer = block.locator(".live-responses-table tr.response")
    await answer.wait_for()
    return answer


async def _status(answer: "Locator") -> str:
    text: str = await answer.locator(".response-col_status").inner_text()
    return text.strip()


async def _examples(row: "Locator") -> list[dict[str, Any]]:
    """Return all examples that a row offers."""
    shown = row.locator("pre.example")
    choice = row.locator(".examples-select-element")
    names = await choice.locator("option").evaluate_all("options => options.map(option => option.value)")
    examples = []
    for name in names or [None]:
        if name is not None:
            await choice.select_option(name)
        examples.append(json.loads(await shown.inner_text()))
    return examples


async def _document(url: str) -> dict[str, Any]:
    async with aiohttp.request("GET", f"{url}/openapi.yaml") as response:
        document: dict[str, Any] = yaml.safe_load(await response.text())
    return document


def _problems(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return each operation and status that promise a problem document first of all."""
    responses = [
        (operation["operationId"], status, response)
        for path in document["paths"].values()
        for verb, operation in path.items()
        if verb != "parameters"
        for status, response in operation["responses"].items()
    ]
    shared = document["components"]["responses"]
    resolved = [
        (operation, status, shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response)
        for operation, status, response in responses
    ]
    return {
        (operation, status) for operation, status, response in resolved if PROBLEM in [*response.get("content", {})][:1]
    }

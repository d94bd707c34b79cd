"""How the page looks, light and dark, wide and narrow; pictures of it go to build/browser."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.conftest import Visit
from tests.browser.test_page import execute
from tests.support.issuer import Issuer

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "build" / "browser"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5
WIDER_THAN_SCREEN = "document.documentElement.scrollWidth - innerWidth"
CUT_OFF = (
    "[...document.querySelectorAll('pre')].filter(pre => pre.scrollWidth > pre.clientWidth).map(pre => pre.innerText)"
)


async def test_opened(visit: Visit, open_url: str) -> None:
    """As it opens, the page is dark where the system is, fits the screen and can be read."""
    page = await visit(f"{open_url}/docs")
    async for scheme, width in looks(page):
        await page.screenshot(path=PICTURES / f"opened-{scheme}-{width}.png", full_page=True)
        assert await is_dark(page) == (scheme == "dark")
        await check(page, f"{scheme}, {width} px")


async def test_answered(visit: Visit, open_url: str, username: str) -> None:
    """With everything unfolded and answered, the page fits the screen and can be read."""
    page = await visit(f"{open_url}/docs")
    for name in ("putUser", "getUser"):
        await execute(page, name, username)
    await unfold(page)
    async for scheme, width in looks(page):
        for name in ("putUser", "getUser"):
            await page.locator(f'[id$="-{name}"]').evaluate("block => block.scrollIntoView()")
            await page.screenshot(path=PICTURES / f"{name}-{scheme}-{width}.png")
        await check(page, f"{scheme}, {width} px")


async def test_asked_for_a_token(visit: Visit, guarded_service: tuple[str, Issuer]) -> None:
    """The page of a service that needs tokens fits the screen and can be read, as can the dialog for the token."""
    page = await visit(f"{guarded_service[0]}/docs")
    async for scheme, width in looks(page):
        await page.screenshot(path=PICTURES / f"padlocks-{scheme}-{width}.png")
        await check(page, f"{scheme}, {width} px")
    await page.locator(".btn.authorize").click()
    async for scheme, width in looks(page):
        await page.screenshot(path=PICTURES / f"token-{scheme}-{width}.png")
        await check(page, f"the dialog, {scheme}, {width} px")


async def looks(page: "Page") -> AsyncIterator[tuple[str, int]]:
    """Show the page in each colour scheme and on a wide and a narrow screen, one after the other."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme, width in product(schemes, (1280, 390)):
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": 1400})
        yield scheme, width


async def check(page: "Page", look: str) -> None:
    """Assert that nothing is wider than the screen or cut off, and that all text stands out from its background."""
    mend = f"mend service/api/docs.css ({look}); build/browser has pictures"
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0, mend
    assert await page.evaluate(CUT_OFF) == [], mend
    assert await page.evaluate(CONTRAST, LEAST_CONTRAST) == [], mend


async def is_dark(page: "Page") -> bool:
    """Tell whether the background of most of the page is dark."""
    color = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert color.startswith("rgb("), "give the body a background in service/api/docs.css"
    return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")) < 3 * 64


async def unfold(page: "Page") -> None:
    """Open every operation and every schema."""
    folded = page.locator('.opblock-summary-control[aria-expanded="false"], .model-box-control[aria-expanded="false"]')
    while await folded.count():
        await folded.first.click()

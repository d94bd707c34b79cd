"""How the page looks, light and dark, wide and narrow; pictures of it go to build/browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Visit
from tests.browser.test_page import execute

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "build" / "browser"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5
MEND = "mend service/api/docs.css; build/browser has pictures"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_looks(visit: Visit, open_url: str, username: str, scheme: str, width: int) -> None:
    """As it opens, and with all unfolded and answered, everything fits the screen and can be read."""
    page = await visit(f"{open_url}/docs", scheme=scheme, width=width)
    assert await _is_dark(page) == (scheme == "dark"), MEND
    await page.screenshot(path=PICTURES / f"{scheme}-{width}.png", full_page=True)
    await _check(page)
    for name in ("putUser", "getUser"):
        answer = await execute(page, name, username)
        await answer.evaluate("answer => answer.closest('.opblock').scrollIntoView()")
        await page.screenshot(path=PICTURES / f"{scheme}-{width}-{name}.png")
    await _unfold(page)
    await _check(page)


async def _check(page: "Page") -> None:
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, MEND
    assert await page.evaluate(CONTRAST, LEAST_CONTRAST) == [], MEND


async def _is_dark(page: "Page") -> bool:
    """Tell whether most of the page is: its body's background."""
    color = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")) < 3 * 64


async def _unfold(page: "Page") -> None:
    """Open every operation and every schema."""
    folded = page.locator('.opblock-summary-control[aria-expanded="false"], .model-box-control[aria-expanded="false"]')
    while await folded.count():
        await folded.first.click()

"""Generated parts of documents: each is between a mark of its own and the common end mark."""

import re

END = "<!-- end -->\n"


def replace(text: str, begin: str, part: str) -> str:
    """Return `text` with `part` between `begin` and the next end; raise SystemExit if they are not there."""
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the document has lost its marks; put these two lines where the tables belong:\n{begin}{END}")
    return pattern.sub(lambda _: f"{begin}\n{part}\n{END}", text)

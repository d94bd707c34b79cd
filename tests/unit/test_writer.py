"""A thread writes the lines, and whatever happens to them, the caller goes on."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.telemetry import metrics
from service.telemetry.writer import MAX_WAITING_BYTES, Writer

LINE = b"x" * 1023 + b"\n"


def lost() -> float:
    """Return how many lines the metric says were lost."""
    return metrics.REGISTRY.get_sample_value("hello_log_lines_lost_total") or 0


def writer(descriptor: int) -> Writer:
    """Return a writer that tells of lost lines in a line of its own."""
    return Writer(descriptor, lambda count: b"lost %d\n" % count)


@pytest.fixture(params=[True, False], ids=["blocking", "non-blocking"])
def pipe(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Give both ends of a pipe; another program may have made its writing end non-blocking."""
    reader, descriptor = os.pipe()
    os.set_blocking(descriptor, request.param)
    yield reader, descriptor
    os.close(descriptor)


def test_reader_who_stalls_holds_nobody_up(pipe: tuple[int, int]) -> None:
    """Lines wait up to a limit, those beyond are lost and counted; once they can be written, one line says how many."""
    reader, descriptor = pipe
    writing, before = writer(descriptor), lost()
    sent = 2 * MAX_WAITING_BYTES // len(LINE)
    for _ in range(sent):
        writing.write(LINE)
    counted = lost() - before
    assert counted > 0
    writing.close(0)  # gives up at once, and goes on writing as long as the process lives
    told = b"lost %d\n" % counted
    kept = sent - int(counted)
    with os.fdopen(reader, "rb") as stream:
        assert sorted(stream.readline() for _ in range(kept + 1)) == [told] + [LINE] * kept


def test_reader_who_is_gone_holds_nobody_up() -> None:
    """Every line that nobody can read any more is lost and counted."""
    reader, descriptor = os.pipe()
    os.close(reader)
    writing, before = writer(descriptor), lost()
    for _ in range(3):
        writing.write(LINE)
    writing.close(5)
    os.close(descriptor)
    assert lost() - before == 3


def test_line_that_a_full_disk_tore_swallows_no_other(tmp_path: Path) -> None:
    """When there is room again, the next line starts on a new line, and one more says how many are missing."""
    path = tmp_path / "log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("wb") as file:
        writing, before = writer(file.fileno()), lost()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
        try:
            for _ in range(3):
                writing.write(LINE)
            while lost() - before < 2:
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        writing.write(b"room again\n")
        writing.close(5)
    assert path.read_bytes() == LINE + b"x" * (1500 - 1024) + b"\nroom again\nlost 2\n"

"""The benchmark's own logic, with told figures: how pairs are compared, what is judged, and when nothing is."""

from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import found as clients
from tests.bench import layout, plan, proof, samples, status, verdict, watch
from tests.bench.plan import GET, MANY, OPEN, Cell
from tests.bench.samples import Figures, Sample
from tests.bench.servers import FASTAPI, FLASK, GO, OURS
from tests.bench.status import Status
from tests.support import marks

IDLE = Figures(
    requests_per_second=1000,
    p50_ms=1,
    p99_ms=2,
    max_ms=3,
    cpu_us=100,
    rss_mb=80,
    keys=1,
    errors=0,
    load_core=0.5,
    others=0,
)


def measured(server: str, *rounds: tuple[float, float]) -> list[Sample]:
    """Return ours and `server`, of which the requests a second of both are told for each round."""
    pair = Cell(GET, 0, MANY, server)
    return [
        Sample(number, replace(pair, server=which), pair, replace(IDLE, requests_per_second=speed))
        for number, speeds in enumerate(rounds, 1)
        for which, speed in zip((OURS, server), speeds, strict=True)
    ]


def test_pairs_are_compared_one_by_one() -> None:
    """A minute that slows both halves of a pair changes no ratio; the median and the range of the pairs are told."""
    found = verdict.ratios(measured(FASTAPI, (1000, 100), (500, 50), (1200, 100), (900, 100), (1000, 125)))
    assert found["get64_vs_fastapi"] == samples.Spread(median=10, lowest=8, highest=12)
    assert str(found["get64_vs_fastapi"]) == "10.0 (8.00..12.0)"


def test_ours_is_compared_with_its_own_neighbour() -> None:
    """Where ours is measured once beside each peer, a peer's ratio knows only the measurement beside it."""
    found = verdict.ratios(measured(FASTAPI, (1000, 100)) + measured(FLASK, (300, 100)))
    assert found["get64_vs_fastapi"].median == 10
    assert found["get64_vs_flask"].median == 3


def test_promises_are_judged_on_medians() -> None:
    """One pair beyond a bound breaks no promise, and what was not measured keeps none."""
    bound = verdict.Bound("get64_vs_fastapi", ">=", 8)
    assert bound.holds(verdict.ratios(measured(FASTAPI, (900, 100), (100, 100), (800, 100))))
    assert not bound.holds(verdict.ratios(measured(FASTAPI, (900, 100), (790, 100), (100, 100))))
    assert not bound.holds(verdict.ratios(measured(FLASK, (900, 100))))


def test_the_best_peer_is_the_one_hardest_to_beat() -> None:
    """The slowest of a hundred are compared with those of the peer where they are fastest."""
    slow, fast = measured(FASTAPI, (1, 1)), measured(FLASK, (1, 1))
    slow[1] = replace(slow[1], figures=replace(IDLE, p99_ms=20))
    fast[1] = replace(fast[1], figures=replace(IDLE, p99_ms=4))
    assert verdict.ratios(slow + fast)["get64_p99_vs_best_peer"].median == 0.5


def test_no_error_is_lost_in_a_median() -> None:
    """Errors of all measurements are summed up, and any breaks a promise of a short run, too."""
    told = measured(FASTAPI, (1000, 100), (1000, 100), (1000, 100))
    told[3] = replace(told[3], figures=replace(IDLE, errors=2))
    assert verdict.missed(verdict.ratios(told), (), only_errors=True) == ["errors <= 0"]
    assert samples.medians(told)[told[3].cell].errors == 2


def test_pairs_are_interleaved() -> None:
    """In every round ours is measured right before each server that it is compared with, at the same place."""
    cells = [cell for cell, pair in plan.full().round() if pair is not None]
    assert [cell.server for cell in cells[::2]] == [OURS] * len(cells[1::2])
    assert [cell.place for cell in cells[::2]] == [cell.place for cell in cells[1::2]]


def test_every_promise_is_measured_by_the_full_plan() -> None:
    """No promise is about a comparison that the full plan does not make."""
    told = [Sample(1, cell, pair, IDLE) for cell, pair in plan.full().round()]
    assert [bound.name for bound in verdict.BOUNDS if bound.name not in verdict.ratios(told)] == []


@pytest.mark.parametrize(
    ("others", "missed", "short", "expected"),
    [
        ([0.0] * 8, [], False, Status.KEPT),
        ([0.0] * 8, ["errors <= 0"], False, Status.MISSED),
        ([0.0] * 7 + [1.5], ["errors <= 0"], False, Status.MISSED),
        ([0.0] * 6 + [0.4] * 2, [], False, Status.NO_VERDICT),
        ([0.0] * 6 + [0.4] * 2, ["errors <= 0"], False, Status.NO_VERDICT),
        ([0.4] * 8, [], True, Status.KEPT),
        ([0.4] * 8, ["errors <= 0"], True, Status.MISSED),
    ],
)
def test_a_busy_machine_gives_no_verdict(others: list[float], missed: list[str], short: bool, expected: Status) -> None:
    """Others in a quarter of the measurements leave promises unjudged; a short run judges errors on any machine."""
    assert status.judged(missed, status.busyness(others), short=short) is expected


def test_a_busy_machine_is_told_of() -> None:
    """What others used, and how much is too much, is said; nothing is said of an idle machine."""
    assert status.sentence(0.05) is None
    assert "0.40 of a core or more; over 0.1 there is no verdict" in (status.sentence(0.4) or "")


def test_busyness_is_of_the_used_cores_and_the_host() -> None:
    """Of the used cores every program's time and what the host stole count, interrupts and other cores do not."""
    core = SimpleNamespace(user=1.0, nice=2.0, system=4.0, steal=8.0, irq=100.0, softirq=100.0, idle=100.0)
    assert watch.everybody_seconds([core, core, core], (0, 2)) == 30
    spent = watch.Spent(passed=10, server=3, load=5, benchmark=9, everybody=13)
    assert (spent.others, spent.load_core) == (0.4, 0.5)


def test_the_benchmark_is_not_taken_for_others() -> None:
    """Work of the benchmark's own process is no busyness of others."""
    seen = watch.Watch([], [])
    work = sum(range(3_000_000))
    spent = seen.spent()
    assert work
    assert spent.benchmark > 0


def test_what_is_left_out_breaks_no_promise() -> None:
    """Where a peer cannot be had the plan leaves it out, and promises about it are not judged."""
    whole = plan.full()
    rest = whole.without([FASTAPI])
    assert len(rest.pairs) < len(whole.pairs)
    assert FASTAPI not in rest.servers()
    ratios = verdict.ratios([Sample(1, cell, pair, IDLE) for cell, pair in rest.round()])
    broken = verdict.missed(ratios, [FASTAPI], only_errors=False)
    assert [bound for bound in broken if FASTAPI in bound] == []
    assert [bound for bound in verdict.missed(ratios, [], only_errors=False) if FASTAPI in bound] != []


def whole_run(verdict_of_it: str = "kept") -> dict[str, Any]:
    """Return the report of a whole run in which all figures are those of an idle machine."""
    told = [Sample(1, cell, pair, IDLE) for cell, pair in plan.full().round()]
    return {
        "environment": {"date": "2030-01-02", "python": "CPython 3", "processor": "a processor", "cores": 2},
        "short": False,
        "verdict": verdict_of_it,
        "left_out": ["processes behind haproxy were left out"],
        "missed": ["get64_vs_go >= 2.5"],
        "ratios": {name: asdict(found) for name, found in verdict.ratios(told).items()},
        "medians": [asdict(cell) | asdict(figures) for cell, figures in samples.medians(told).items()],
    }


def test_document_is_renewed_between_its_marks() -> None:
    """The tables come from the report alone, which also says what was missed, left out, and where it ran."""
    text = proof.renew(f"before\n{proof.BEGIN}old\n{marks.END}after\n", whole_run())
    assert text.startswith(f"before\n{proof.BEGIN}")
    assert text.endswith(f"{marks.END}after\n")
    assert "old" not in text
    assert "| Go net/http + AWS SDK v2 | 1,000 | 2.0 | 100 | 1,000 | 2.0 |" in text
    assert "| GET/s, 16 clients | 1.00 (1.00..1.00) | - | - |" in text
    assert "| 500 a second | 1.0, 2.0 | 100 | 1.0, 2.0 | 100 |" in text
    assert "2030-01-02, CPython 3, a processor, 2 cores. Goals missed: `get64_vs_go >= 2.5`. Processes behind" in text


def test_document_tells_only_of_runs_that_mean_something() -> None:
    """A run without a verdict, and a document without its marks, are refused."""
    with pytest.raises(SystemExit, match="idle machine"):
        proof.renew(f"{proof.BEGIN}{marks.END}", whole_run("no verdict"))
    with pytest.raises(SystemExit, match="marks"):
        proof.renew("", whole_run())


def test_proof_has_the_marks() -> None:
    """docs/proof.md itself can be renewed."""
    text = (layout.ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    assert proof.renew(text, whole_run()).count(proof.BEGIN) == 1


@pytest.mark.parametrize("server", [GO, "best_peer"])
def test_a_promise_knows_the_other_server(server: str) -> None:
    """The server that a promise is about is part of its name, whatever the database's latency."""
    assert verdict.Bound(verdict.name(Cell(OPEN, 3, 500, OURS), "_p50", server), "<=", 1.4).other == server


def test_percentiles_of_waits() -> None:
    """Half of the waits are below the median, one in a hundred above p99, and none is invented where nobody waited."""
    found = clients.found([float(wait) for wait in range(1, 1001)], 1000, 2, 0)
    assert (found.p50_ms, round(found.p99_ms), found.max_ms) == (500.5, 991, 1000)
    assert clients.found([], 0, 2, 3) == clients.Found(0, 2, 0, 0, 0, 3)

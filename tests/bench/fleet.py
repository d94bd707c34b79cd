"""Several of our processes behind haproxy, each on its own core, to see whether more cores serve more requests."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench import processes
from tests.bench.layout import BUILD, CORES, environment
from tests.bench.servers import OURS, SERVERS, Running, started

_FEWEST_CORES = 4

_HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend hello
  bind 127.0.0.1:{port}
  default_backend processes
backend processes
  balance leastconn
  http-reuse always
"""


def sizes() -> tuple[int, ...]:
    """Return the numbers of processes to try: the load and haproxy take one core each, and so does every process."""
    return tuple(size for size in (1, 2, 4) if size + 2 <= len(CORES)) if len(CORES) >= _FEWEST_CORES else ()


def left_out() -> str | None:
    """Return one sentence if this machine has too few cores for a fleet."""
    return (
        None
        if sizes()
        else f"processes behind haproxy were left out: that takes {_FEWEST_CORES} cores, not {len(CORES)}"
    )


@contextmanager
def fleet(size: int, endpoint: str) -> Iterator[Running]:
    """Run `size` of our processes with the DynamoDB at `endpoint`, and haproxy in front of them."""
    first, _, balancer, *others = CORES
    with ExitStack() as stack:
        members = [stack.enter_context(started(SERVERS[OURS], endpoint, core)) for core in [first, *others][:size]]
        port = processes.free_port()
        config = BUILD / f"haproxy-{size}.cfg"
        backends = [f"  server process{member.port} 127.0.0.1:{member.port}\n" for member in members]
        config.write_text(_HAPROXY.format(port=port) + "".join(backends))
        command = ["haproxy", "-db", "-f", str(config)]
        log = config.with_suffix(".log")
        haproxy = stack.enter_context(
            processes.running(command, core=balancer, port=port, environ=environment(), log=log)
        )
        yield Running(
            f"{size} behind haproxy", port, (*(pid for member in members for pid in member.pids), haproxy.pid)
        )

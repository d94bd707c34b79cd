"""Checks the delegation of the hosted zone, by asking DNS, not AWS."""

from collections.abc import Iterable
from ipaddress import IPv4Address

from dns.exception import DNSException, Timeout
from dns.name import from_text
from dns.resolver import NXDOMAIN, NoAnswer, NoNameservers, NoResolverConfiguration, Resolver

from terraform.preflight.finding import Finding, missing, ok

_SECONDS = 10.0


def resolver(server: str) -> Resolver:
    """Return a resolver that asks `server`, an IPv4 ADDRESS or ADDRESS:PORT; raise ValueError for anything else."""
    address, _, port = server.partition(":")
    chosen = Resolver(configure=False)
    chosen.nameservers, chosen.port = [str(IPv4Address(address))], int(port or 53)
    return chosen


def check(zone: str, servers: Iterable[str], asked: Resolver | None) -> Finding:
    """Check that `zone` is delegated to exactly its `servers`; otherwise its certificate is never validated.

    Without `asked`, the DNS servers of this machine's configuration are used.
    """
    wanted = {from_text(name) for name in servers}
    enter = f"enter these NS records at its parent, or at its registrar: {_listed(wanted)}"
    try:
        answer = (asked or Resolver()).resolve(from_text(zone), "NS", lifetime=_SECONDS)
    except (NXDOMAIN, NoAnswer, NoNameservers):
        return missing("delegation", f"{zone} is not delegated; {enter}")
    except (Timeout, NoResolverConfiguration, DNSException, OSError) as error:
        ask = "ask another server: make preflight ... DNS=1.1.1.1"
        return missing("delegation", f"DNS does not answer ({error}); {ask}")
    found = {record.target for record in answer}
    if found != wanted:
        return missing("delegation", f"{zone} is delegated to {_listed(found)}, which is another zone; {enter}")
    return ok("delegation", f"{zone} is delegated to its {len(wanted)} name servers")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(sorted(str(name).rstrip(".") for name in names))

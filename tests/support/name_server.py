"""A DNS server that knows only the name servers of zones."""

import socketserver
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.support.serving import serving


@contextmanager
def name_server(zones: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Answer which name servers `zones` have until the block ends, and yield the server's address and port."""

    class Handler(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            """Answer one query."""
            asked = dns.message.from_wire(self.rfile.read())
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            name = asked.question[0].name
            servers = zones.get(name.to_text(omit_final_dot=True))
            if servers:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "NS", *(f"{server}." for server in servers)))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.wfile.write(answer.to_wire())

    with serving(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)) as address:
        yield address

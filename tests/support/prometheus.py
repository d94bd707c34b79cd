"""Read metrics as Prometheus does."""

from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.process import ServiceProcess

Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Scrape:
    """All series of one moment, by name and labels."""

    text: str
    values: dict[Series, float]

    def value(self, name: str, **labels: object) -> float:
        """Return one value, or 0 if there is none yet."""
        wanted = tuple(sorted((label, str(value)) for label, value in labels.items()))
        return self.values.get((name, wanted), 0.0)


async def scrape(service: ServiceProcess) -> Scrape:
    """Scrape a service that has logged its admin port."""
    port = next(event["port"] for event in service.events if event["event"] == "metrics.started")
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        return parse(await response.text())


def parse(text: str) -> Scrape:
    """Parse the text."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    values = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(values) == len(samples), "a series is there twice"
    return Scrape(text, values)

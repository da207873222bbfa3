"""What Ochre counts about itself, for Prometheus. Labels are closed sets: no ids, no personal data."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from engine.core.decision import Decision

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "ochre_http_request_seconds",
            "Time taken by requests, by route template.",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.webhooks = Counter(
            "ochre_webhooks_total", "Webhooks that arrived, by outcome.", ("outcome",), registry=self.registry
        )
        self.decisions = Counter(
            "ochre_decisions_total",
            "Conversations decided, by what decided: a rule that stopped, other rules, the fallback alone, nothing.",
            ("by",),
            registry=self.registry,
        )
        self.wakes_lost = Counter(
            "ochre_wakes_lost_total",
            "Wake-ups that Redis did not take; the scheduler makes up for them.",
            registry=self.registry,
        )

    def count_decision(self, decision: Decision) -> None:
        """Count a new conversation's decision by what decided it."""
        by = (
            "stop"
            if decision.stopped_by
            else "rule"
            if decision.matched
            else "fallback"
            if decision.fallback
            else "none"
        )
        self.decisions.labels(by).inc()

    def gauges(self, collector: "Gauges") -> None:
        """Ask `collector` for present values at every scrape."""
        self.registry.register(collector)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class Gauges(Collector):
    """Values of one family that are read when somebody asks, such as how much waits to be done."""

    def __init__(
        self,
        read: Callable[[], Mapping[str, int]],
        name: str = "ochre_backlog",
        help_text: str = "Things that wait to be worked on, by topic.",
        label: str = "topic",
    ) -> None:
        self._read = read
        self._family = (name, help_text, label)

    @override
    def collect(self) -> Iterable[Metric]:
        name, help_text, label = self._family
        family = GaugeMetricFamily(name, help_text, labels=(label,))
        for value, count in self._read().items():
            family.add_metric([value], count)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Return nothing: with it the registry does not ask for values when the collector registers."""
        return ()

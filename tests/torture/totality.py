"""Every field of Stripe's example objects, and of a rich customer, with every nonsense in its place."""

from stripe_sync.derive import at, combine, derive
from stripe_sync.objects import bundle_from_json
from tests.unit.derive import test_totality as totality
from tests.unit.derive.agreement import case_of
from tests.unit.derive.build import NOW, Json, settings


def run(seed: int, scale: float) -> bool:
    """Put nonsense everywhere; a customer on whom derivation raises ends the run with the place and the value."""
    documents = [totality.EVERYTHING, *(case_of(seed * 1000 + number).document for number in range(round(40 * scale)))]
    if totality.SPEC_DIR is not None:
        documents.insert(0, totality.fixture_document())
    count = 0
    for document in documents:
        for path in totality.paths(document):
            for value in (totality.MISSING, *totality.RUBBISH):
                made = totality.replaced(document, path, value)
                if not _is_read(made):
                    print(f"totality: raised with {value!r} at {path} of {document}")
                    return False
                count += 1
    print(f"totality: {count} customers with one field that is nonsense, all read")
    return True


def _is_read(document: Json) -> bool:
    try:
        found = derive(bundle_from_json(document), NOW, settings(rates={"eur": "1.1"}))
        at(combine([found, found], NOW), NOW)
    except Exception as error:  # noqa: BLE001 - that there is none is what is proved
        print(f"totality: {type(error).__name__}: {error}")
        return False
    return True

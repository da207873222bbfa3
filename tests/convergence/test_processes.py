"""What the histories in one process cannot show: real processes that die, over HTTP, come to the truth as well."""

from tests.convergence.processes import installation, run

SEEDS = (1, 100)


def test_histories_with_real_processes_converge() -> None:
    """Web server and worker are killed in the middle of their work; afterwards every object, link and fact is true."""
    with installation() as place:
        different = {seed: told for seed in SEEDS if (told := run(place, seed))}

    assert different == {}

"""`python -m web.migrations "What changes"`: writes a migration for what the models have and the migrations lack."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from web import migrations


def main() -> None:
    """Write the migration and say where it is."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's name and one sentence
        sys.exit('Say in one sentence what changes: python -m web.migrations "Add the fact …"')
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'migrated.db'}"
        migrations.upgrade(url)
        path = migrations.write_revision(url, sys.argv[1])
    sys.stdout.write(f"Read {path}, and wall off what is new in it.\n")


if __name__ == "__main__":
    main()

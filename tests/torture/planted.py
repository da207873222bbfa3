"""Planted faults: typical bugs of a sync are put into a copy of the product one at a time; histories must find each.

This is what the proof of convergence is worth. A fault that is not found within `MOST` histories fails the part.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.convergence.planted import FAULTS, Fault

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "rules", "stripe_sync", "web", "tests")
MOST = 400
"""How many histories a fault may hide in."""


def run(seed: int, scale: float) -> bool:
    """Plant each fault; print after how many histories it was found."""
    most = max(1, round(MOST * scale))
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
        for fault in FAULTS:
            after = _found_after(fault, copy, seed, most)
            missed += after is None
            print(f"  {fault.name}: {'NOT FOUND' if after is None else f'found in history {after}'}", flush=True)
    print(f"{len(FAULTS)} faults, {missed} not found by {most} histories")
    return not missed


def _found_after(fault: Fault, copy: Path, seed: int, most: int) -> int | None:
    """Return in which history a fault showed, counted from 1; None if in none."""
    sources = {copy / file: (copy / file).read_text() for file, _, _ in fault.changes()}
    for file, right, wrong in fault.changes():
        path = copy / file
        source = path.read_text()
        if source.count(right) != 1:
            raise ValueError(f"{file} no longer has just once: {right}")
        path.write_text(source.replace(right, wrong))
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.convergence", str(seed), str(most), "--one"]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    finally:
        for path, source in sources.items():
            path.write_text(source)
    last = done.stdout.strip().splitlines()[-1:] or [done.stderr]
    words = last[0].split()
    if words[:1] != ["done"]:
        raise RuntimeError(f"{fault.name}: {done.stderr}")
    return int(words[1]) if int(words[2]) else None

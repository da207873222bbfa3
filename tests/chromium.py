"""Finds a Chromium for the browser tests, or gets one.

In order: a Chromium or Chrome on the path, what Playwright installed before, `playwright install chromium`,
and, as root on Debian, the distribution's package. If none can be had, one line says so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS_APPS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)


def find_chromium() -> str | None:
    """Return the path of a Chromium that can be started, or None."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    for app in MACOS_APPS:
        if app.exists():
            return str(app)
    return _from_playwright()


def get_chromium() -> str:
    """Return a Chromium, installing one if need be; exit with one line if none can be had."""
    found = find_chromium()
    if found:
        return found
    print("No Chromium on the path; asking Playwright for one")
    _quietly([sys.executable, "-m", "playwright", "install", "chromium"])
    found = find_chromium()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Playwright has none; installing Debian's package")
        _quietly(["apt-get", "update", "-qq"])
        _quietly(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
        found = find_chromium()
    if not found:
        sys.exit("No Chromium for the browser tests: install Chromium or Chrome, or run `playwright install chromium`.")
    return found


def _from_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _quietly(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


if __name__ == "__main__":
    get_chromium()

"""Other keepers of a copy of Stripe, each a web server of its own that takes webhooks as its makers show.

They are installed into a temporary folder with npm; where that can't be done the bench says so.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = {"supabase": "@supabase/stripe-sync-engine@0.48.5", "stripe": "@stripe/sync-engine@1.0.32"}
CONNECTIONS = 16
INSTALL_S = 300
START_S = 60

_SERVER = """
import http from 'node:http'
import {createRequire} from 'node:module'
const engine = createRequire(import.meta.url)('%(module)s')
const settings = JSON.parse(process.env.SETTINGS)
const poolConfig = {connectionString: settings.database, max: %(connections)d}
const options = {poolConfig, stripeSecretKey: 'sk_test_nothing', stripeWebhookSecret: settings.secret,
  stripeAccountId: settings.account, autoExpandLists: false, backfillRelatedEntities: false}
const logger = {info() {}, warn() {}, error(...parts) { console.error(...parts); process.exit(1) }}
await engine.runMigrations({databaseUrl: settings.database, schema: 'stripe', schemaName: 'stripe', logger})
const sync = engine.StripeSync.create ? await engine.StripeSync.create(options) : new engine.StripeSync(options)
const target = sync.webhook ?? sync
const server = http.createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', async () => {
    try {
      await target.processWebhook(Buffer.concat(parts), request.headers['stripe-signature'])
      response.writeHead(200, {'content-type': 'application/json', 'content-length': 17})
      response.end('{"received":true}')
    } catch (error) {
      const text = String(error)
      response.writeHead(500, {'content-length': Buffer.byteLength(text)})
      response.end(text)
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
"""


class PeerMissingError(Exception):
    """A peer could not be installed or started; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Where the peers are installed."""

    folder: Path

    @contextmanager
    def serve(self, name: str, database_url: str, secret: str, account: str) -> Iterator[int]:
        """Run one peer's server over a database; return its port, or raise PeerMissingError."""
        script = self.folder / f"{name}.mjs"
        module = PACKAGES[name].rpartition("@")[0]
        script.write_text(_SERVER % {"module": module, "connections": CONNECTIONS})
        settings = {"database": database_url, "secret": secret, "account": account}
        environment = {**os.environ, "SETTINGS": json.dumps(settings), "NODE_ENV": "production"}
        with (
            (self.folder / f"{name}.log").open("w+") as log,
            subprocess.Popen(["node", script], env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as node,
        ):
            try:
                yield _port(node, self.folder / f"{name}.log")
            finally:
                node.terminate()


def _port(node: subprocess.Popen[str], log: Path) -> int:
    assert node.stdout is not None
    for line in node.stdout:
        if line.startswith("port "):
            return int(line.split()[1])
    raise PeerMissingError(f"it did not start: {log.read_text()[-300:]}")


@contextmanager
def install() -> Iterator[Peers]:
    """Install the peers into a temporary folder; raise PeerMissingError where that can't be done."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise PeerMissingError("there is no node and npm on this machine")
    with tempfile.TemporaryDirectory(prefix="ochre-peers-") as name:
        (Path(name) / "package.json").write_text('{"name": "peers", "private": true, "type": "module"}')
        command = [npm, "install", "--no-audit", "--no-fund", "--silent", *PACKAGES.values()]
        try:
            subprocess.run(command, cwd=name, check=True, timeout=INSTALL_S, capture_output=True)
        except (subprocess.SubprocessError, OSError) as error:
            raise PeerMissingError(f"npm could not install them: {error}") from error
        yield Peers(folder=Path(name))

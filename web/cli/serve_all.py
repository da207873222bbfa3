"""`ochre serve --all`: every process, and an embedded Valkey where none is given, under one supervisor."""

from web.cli.output import fail
from web.processes.folder import FolderError
from web.processes.owned import supervised
from web.processes.ports import is_free
from web.processes.progress import Progress
from web.processes.stack import Stack, start_stack, watch
from web.processes.supervisor import ChildError
from web.settings import Settings


def serve_all(settings: Settings, port: int) -> None:
    """Run everything until told to stop; exit with one clear line when something can't be started."""
    if not is_free(port):
        fail(f"port {port} is taken; choose another with --port")
    progress = Progress()
    try:
        with supervised(settings.data_dir, progress.say) as (folder, supervisor):
            stack = Stack(
                folder=folder,
                port=port,
                database_url=settings.database_url,
                redis_url=settings.redis_url,
                environment={},
            )
            start_stack(stack, supervisor, progress.say)
            progress.say("Press Ctrl-C to stop")
            watch(supervisor)
    except (FolderError, ChildError) as error:
        fail(str(error))

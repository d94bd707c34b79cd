"""A private journald with the image's settings, to measure what it costs to log every line to it.

It runs beside the service, on the same core, in a mount namespace, so the machine's own journal is not affected.
"""

import os
import shutil
import subprocess

from tests.bench.layout import BUILD, ROOT

_FOLDER = BUILD / "journal"
_SETTINGS = _FOLDER / "journald.conf"
_TEMPLATE = ROOT / "ansible" / "roles" / "base" / "templates" / "journald.conf.j2"
_DAEMON = "/lib/systemd/systemd-journald"
# The file `flushed` says that /var is writable; without it, journald would keep its files in memory.
_SCRIPT = f"""
set -e
mount -t tmpfs none /run/systemd
mount --bind "$1" /var/log
mkdir -p /run/systemd/journald.conf.d /run/systemd/journal
cp "$2" /run/systemd/journald.conf.d/image.conf
touch /run/systemd/journal/flushed
{_DAEMON} &
until test -S /run/systemd/journal/stdout; do sleep 0.1; done
shift 2
exec systemd-cat --identifier=hello-birthday "$@"
"""
_PROBE_SECONDS = 20


def logged(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that runs `command` and sends its output to a journald that ends with it."""
    namespace = ("unshare", "--mount", "--propagation=private")
    return (*namespace, "sh", "-c", _SCRIPT, "journal", str(_FOLDER), str(_SETTINGS), *command)


def left_out() -> str | None:
    """Prepare the journal; return one sentence if this machine cannot run a private one."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    _SETTINGS.write_text(
        _TEMPLATE.read_text().replace("{{ base_journal_max_use }}", "200M") + "ReadKMsg=no\nAudit=no\n"
    )
    reason = _lacking() or _failed()
    return f"the log into journald was left out: {reason}" if reason else None


def _lacking() -> str | None:
    if os.geteuid() != 0:
        return "that takes root"
    tools = [tool for tool in ("unshare", "systemd-cat", _DAEMON) if shutil.which(tool) is None]
    return f"{', '.join(tools)} is missing" if tools else None


def _failed() -> str | None:
    """Log one line to a journald, and return the error if it is not stored."""
    script = f"echo probe; until ls {_FOLDER}/journal/*/system.journal; do sleep 0.1; done; kill -- -$$"
    probe = subprocess.Popen(
        logged(("sh", "-c", script)), stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT
    )
    try:
        _, said = probe.communicate(timeout=_PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(probe.pid, 9)
        said = probe.communicate()[1] or "it does not start"
    return (
        None
        if list(_FOLDER.glob("journal/*/system.journal"))
        else (said.strip().splitlines() or ["it keeps nothing"])[-1]
    )

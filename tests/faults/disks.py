"""Small disks of their own, on tmpfs, and disks without room."""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager


@contextmanager
def disk(folder, mib):
    """A disk of its own, which goes with everything on it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def remount(folder, options):
    # With source and type, because what `mount` would find in /proc/mounts cannot be said again in a user namespace.
    command = ["mount", "--internal-only", "-t", "tmpfs", "-o", f"remount,{options}", "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def free_bytes(folder):
    state = os.statvfs(folder)
    return state.f_bavail * state.f_bsize


@contextmanager
def filled(folder, free):
    """The disk with no more than `free` bytes of room."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        wanted = free_bytes(folder) - free
        if wanted > 0:
            os.posix_fallocate(file.fileno(), 0, wanted)
    try:
        yield
    finally:
        ballast.unlink()


def mounts_are_possible():
    """Goes on in a mount namespace of its own, which takes every mount with it however this ends; false when that, and
    mounting at all, is not allowed here."""
    if "HANOK_FAULTS_INSIDE" not in os.environ:
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        if subprocess.run([*unshare, "true"], capture_output=True).returncode == 0:
            os.environ["HANOK_FAULTS_INSIDE"] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.orig_argv[1:]])
    with tempfile.TemporaryDirectory(prefix="hanok-faults-") as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if tried.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)
        return tried.returncode == 0

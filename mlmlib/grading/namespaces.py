"""Linux namespaces: what the kernel itself keeps from a submission. Used by `mlmlib.grading.guard` alone."""
import ctypes
import os
import signal
import stat
import sys
import time
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = 0x8000, 1, 442
PR_SET_PDEATHSIG = 1
PATIENCE = 0.2  # seconds between two looks at whether who started us is still there


def enter(own, hidden, user, folder_mb, starter=None):
    """Move this process into namespaces of its own; return the names of the measures that hold, none where it is forbidden.

    The caller goes on as the first process of its own world of processes; the one that it was before waits for it, and
    ends it when `starter`, the process that started them, is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid, starter = os.getuid(), os.getgid(), starter or os.getppid()
    flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID | (0 if uid == 0 else CLONE_NEWUSER)
    if libc.unshare(flags) != 0:
        return []
    measures = ["no network"]
    try:
        if uid != 0:
            for path, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{path}", "w") as f:
                    f.write(text)
        _mount(libc, None, "/", None, MS_REC | MS_PRIVATE)
        if user is not None:
            _open_way(libc)
        _mount(libc, own, own, None, MS_BIND)
        for path in hidden:
            if os.path.isdir(path) and not os.path.realpath(own).startswith(os.path.realpath(path) + os.sep):
                _mount(libc, "none", path, "tmpfs", MS_RDONLY)
        _read_only(libc, "/", True, AT_RECURSIVE)
        _read_only(libc, own, False, 0)
        measures += ["read-only files", "hidden folders"]
        owner = uid if user is None else user
        _mount(libc, "none", own, "tmpfs", MS_NOSUID | MS_NODEV, f"size={folder_mb}m,nr_inodes=20000,mode=700,uid={owner}")
        measures.append("folder limit")
    except OSError:
        pass
    _fork(libc, starter)
    measures.append("own processes only")
    try:
        _mount(libc, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV)
    except OSError:
        measures.remove("own processes only")
    os.chdir(own)
    return measures


def _open_way(libc):
    """Where Python or this library lies below a folder that is root's alone (as /root): put an empty folder in its place,
    with nothing but those in it, which anyone may read."""
    needed = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])}
    shut = {}
    for path in sorted(needed):
        closed = next((p for p in reversed(path.parents) if not p.stat().st_mode & stat.S_IXOTH), None)
        if closed is not None:
            shut.setdefault(closed, []).append((path, os.open(path, os.O_PATH)))
    for closed, paths in shut.items():
        _mount(libc, "none", closed, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
        for path, descriptor in paths:
            path.mkdir(parents=True, exist_ok=True)
            _mount(libc, f"/proc/self/fd/{descriptor}", path, None, MS_BIND | MS_REC)
            os.close(descriptor)


def _fork(libc, starter):
    """Go on in a child, the first of the new world of processes; when it ends, all that it started ends with it."""
    child = os.fork()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if child == 0:
        return
    os.closerange(0, 1024)
    while os.waitpid(child, os.WNOHANG) == (0, 0) and os.getppid() == starter:  # not every kernel tells us of its death
        time.sleep(PATIENCE)
    os._exit(0)


def _mount(libc, source, target, kind, flags, data=None):
    as_bytes = [None if s is None else os.fsencode(s) for s in (source, target, kind)]
    if libc.mount(*as_bytes, ctypes.c_ulong(flags), None if data is None else data.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def _read_only(libc, path, on, flags):
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY if on else 0, 0 if on else MOUNT_ATTR_RDONLY, 0, 0)
    if libc.syscall(SYS_MOUNT_SETATTR, -100, os.fsencode(path), flags, ctypes.byref(attributes), 32) != 0:
        raise OSError(ctypes.get_errno(), f"mount_setattr {path}")

"""What a submission's process may do: limits of the system where it has them, and an audit hook everywhere.

Applied by the runner to itself before it runs a student's first cell, in this order, each as far as the system goes:

1. Linux namespaces: no network, every file read-only but the submission's own folder, and the grader's folders
   (sources, autograders, other submissions, results) empty. Needs root, or a kernel that lets users make namespaces.
2. Resource limits (POSIX): memory, size of files, core dumps; no new privileges; as root all capabilities are dropped.
3. An audit hook (everywhere, Windows too): no programs, no sockets, no writing or deleting outside the own
   folder, no reading of the grader's folders.

The hook alone would stop a careless notebook and a curious student, not a determined attacker. What protects
the marks is another thing: neither expected values nor hidden tests are ever in this process.
"""
import ctypes
import os
import sys

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
MS_RDONLY, MS_BIND, MS_REC, MS_PRIVATE = 1, 4096, 16384, 1 << 18
AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = 0x8000, 1, 442
PR_SET_NO_NEW_PRIVS, SYS_CAPSET = 38, {"x86_64": 126, "aarch64": 91}


def apply(own, hidden, memory_mb, file_mb=64):
    """Lock this process down; return the names of the measures that hold."""
    measures = ["own process"]
    if sys.platform == "linux" and _namespaces(own, hidden):
        measures += ["no network", "read-only files", "hidden folders"]
    if _limits(memory_mb, file_mb):
        measures.append("memory limit")
    if sys.platform == "linux" and _drop_privileges():
        measures.append("no privileges")
    sys.addaudithook(_hook(os.path.realpath(own), tuple(os.path.realpath(h) for h in hidden)))
    return measures + ["audit hook"]


def _limits(memory_mb, file_mb):
    try:
        import resource
    except ImportError:
        return False
    for limit, size in ((resource.RLIMIT_AS, memory_mb << 20), (resource.RLIMIT_FSIZE, file_mb << 20), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(limit, (size, size))
        except (ValueError, OSError):
            return False
    return True


# ---- Linux ---------------------------------------------------------------------------------------------------------

def _namespaces(own, hidden):
    """New mount and network namespaces; False, with nothing changed, where the system forbids them."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | (0 if uid == 0 else CLONE_NEWUSER)
    if libc.unshare(flags) != 0:
        return False
    try:
        if uid != 0:
            for path, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{path}", "w") as f:
                    f.write(text)
        _mount(libc, None, "/", None, MS_REC | MS_PRIVATE)
        _mount(libc, own, own, None, MS_BIND)
        for path in hidden:
            if os.path.isdir(path) and not os.path.realpath(own).startswith(os.path.realpath(path) + os.sep):
                _mount(libc, "none", path, "tmpfs", MS_RDONLY)
        _read_only(libc, "/", True, AT_RECURSIVE)
        _read_only(libc, own, False, 0)
        os.chdir(own)
    except OSError:
        return False
    return True


def _mount(libc, source, target, kind, flags):
    as_bytes = [None if s is None else os.fsencode(s) for s in (source, target, kind)]
    if libc.mount(*as_bytes, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def _read_only(libc, path, on, flags):
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY if on else 0, 0 if on else MOUNT_ATTR_RDONLY, 0, 0)
    if libc.syscall(SYS_MOUNT_SETATTR, -100, os.fsencode(path), flags, ctypes.byref(attributes), 32) != 0:
        raise OSError(ctypes.get_errno(), f"mount_setattr {path}")


def _drop_privileges():
    """No new privileges, and no capabilities: the process can do no more than its user's files allow."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    number = SYS_CAPSET.get(os.uname().machine)
    if number is None:
        return os.getuid() != 0
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    return libc.syscall(number, ctypes.byref(header), ctypes.byref(nothing)) == 0


# ---- everywhere ----------------------------------------------------------------------------------------------------

NEVER = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
         "os.kill", "os.killpg", "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "ctypes.dlopen"}
# event: how many paths it changes, and where its folder descriptors stand
CHANGES = {"os.remove": (1, (1,)), "os.rmdir": (1, (1,)), "os.rename": (2, (2, 3)), "os.mkdir": (1, (2,)), "os.link": (2, (2, 3)),
           "os.symlink": (2, (2,)), "os.chmod": (1, (2,)), "os.chown": (1, (3,)), "os.truncate": (1, ())}
LISTS = {"os.listdir", "os.scandir", "os.chdir"}


def _hook(own, hidden):
    realpath, isdir, separator, me = os.path.realpath, os.path.isdir, os.sep, os.getpid()
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def within(path, folders):
        place = realpath(os.fsdecode(path))
        if place.startswith("/proc/") and place[6:7].isdigit() and not place.startswith(f"/proc/{me}/"):
            return folders is hidden
        return any(place == f or place.startswith(f + separator) for f in folders)

    def named(path):
        return path is not None and not isinstance(path, int)

    def check_open(path, mode, flags):
        if within(path, hidden) and not within(path, (own,)):
            raise PermissionError("this folder is not available while a submission is graded")
        if within(path, (own,)) or os.fsdecode(path) == os.devnull:
            return
        # A descriptor of a folder would be a way around this hook, which sees no descriptors in "open".
        changes = any(c in (mode or "") for c in "wax+") or bool((flags or 0) & writing) or (mode is None and isdir(path))
        if changes:
            raise PermissionError("a submission can write in its own folder only")

    def check_change(event, args):
        paths, descriptors = CHANGES[event]
        relative = any(len(args) > d and args[d] not in (-1, None) for d in descriptors)
        for path in args[:paths]:
            if not named(path):
                continue
            if not within(path, (own,)) or (relative and ".." in os.fsdecode(path)):
                raise PermissionError("a submission can change files in its own folder only")

    def hook(event, args):
        if event in NEVER:
            raise PermissionError(f"{event} is not available while a submission is graded")
        if event == "open":
            if named(args[0]):
                check_open(*args)
        elif event in CHANGES:
            check_change(event, args)
        elif event in LISTS and args and named(args[0]) and within(args[0], hidden) and not within(args[0], (own,)):
            raise PermissionError("this folder is not available while a submission is graded")

    return hook

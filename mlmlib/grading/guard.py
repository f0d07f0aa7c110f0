"""What a submission's process may do: limits of the system where it has them, and an audit hook everywhere.

Applied by the runner to itself before it runs a student's first cell, in this order, each as far as the system goes:

1. Linux namespaces (`mlmlib.grading.namespaces`): no network, every file read-only but the submission's own folder, which is
   a small disk in memory, the grader's folders empty, no other process in sight, nothing that outlives the submission.
   Needs root, or a kernel that lets users make namespaces.
2. Resource limits (POSIX): memory, processes, size of files, core dumps.
3. Started by root: a user of its own that owns nothing. No new privileges, no capabilities.
4. An audit hook (everywhere, Windows too): no programs, no sockets, no writing or deleting outside the own
   folder, no reading of the grader's folders.

The hook alone would stop a careless notebook and a curious student, not a determined attacker. What protects
the marks is another thing: neither expected values nor hidden tests are ever in this process.
"""
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, SYS_CAPSET = 1, 38, {"x86_64": 126, "aarch64": 91}
PROCESSES = 32  # with threads: more than any library starts here, few enough for the machine
FILE_MB, FOLDER_MB = 64, 256
USERS = range(61184, 65520)  # numbers that systems keep for users without an account


def apply(own, hidden, memory_mb, slot=0, starter=None):
    """Lock this process down; return the names of the measures that hold. `slot` numbers those that run at the same time."""
    measures, user = ["own process"], None
    if sys.platform == "linux":
        from .namespaces import enter
        user = _user(slot) if os.getuid() == 0 else None
        measures += enter(own, hidden, user, FOLDER_MB, starter)
    measures += _limits(memory_mb, user)
    if user is not None and _become(user, own):
        measures.append("own user")
    if sys.platform == "linux" and _drop_privileges():
        measures.append("no privileges")
    sys.addaudithook(_hook(os.path.realpath(own), tuple(os.path.realpath(h) for h in hidden)))
    return measures + ["audit hook"]


def _limits(memory_mb, user):
    """Limits of the system for this process: the names of those that it took."""
    try:
        import resource
    except ImportError:
        return []
    wanted = [("memory limit", resource.RLIMIT_AS, memory_mb << 20), ("file limit", resource.RLIMIT_FSIZE, FILE_MB << 20),
              ("", resource.RLIMIT_CORE, 0), ("", resource.RLIMIT_NOFILE, 256)]
    if hasattr(resource, "RLIMIT_NPROC"):
        wanted.append(("process limit", resource.RLIMIT_NPROC, PROCESSES + (0 if user is not None else _others())))
    held = []
    for name, limit, size in wanted:
        try:
            hard = resource.getrlimit(limit)[1]
            size = size if hard == resource.RLIM_INFINITY else min(size, hard)
            resource.setrlimit(limit, (size, size))
            held.append(name)
        except (ValueError, OSError):
            pass
    if os.getuid() == 0 and user is None and "process limit" in held:
        held.remove("process limit")  # root is not bound by it
    return [name for name in held if name]


def _others():
    """Processes and threads that this user has already: the system counts them all."""
    import psutil
    me, count = os.getuid(), 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        if process.info["uids"] is not None and process.info["uids"].real == me:
            count += process.info["num_threads"] or 1
    return count


# ---- users and privileges --------------------------------------------------------------------------------------------

def _user(slot):
    """Number of a user without account for this slot, or of nobody; None if the system switches to neither."""
    import pwd
    names = {entry.pw_uid for entry in pwd.getpwall()}
    for user in (next(u for u in USERS[slot % 2000:] if u not in names), 65534):
        try:
            os.seteuid(user)
        except OSError:
            continue
        os.seteuid(0)
        return user
    return None


def _become(user, own):
    """Be that user from now on, for good; not if it could not read Python and this library."""
    try:
        os.chown(own, user, user)
        os.seteuid(user)
        try:
            with open(__file__), open(os.__file__):
                pass
        finally:
            os.seteuid(0)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError:
        os.chown(own, os.getuid(), os.getgid())
        return False
    return True


def _drop_privileges():
    """No new privileges, no capabilities, and an end together with who started this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    number = SYS_CAPSET.get(os.uname().machine)
    if number is None:
        return os.getuid() != 0
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    return libc.syscall(number, ctypes.byref(header), ctypes.byref(nothing)) == 0


# ---- everywhere ----------------------------------------------------------------------------------------------------

NEVER = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
         "os.kill", "os.killpg", "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle"}
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

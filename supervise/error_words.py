"""daemontools' own words for what went wrong, as its binaries say them.

They differ from the C library's, and scripts match on them. They were read from Debian's
programs by making a system call fail with every error there is; the conformance tests do
that again.
"""

from __future__ import annotations

import errno
import os

WORDS = {
    "EPERM": b"permission denied",
    "ENOENT": b"file does not exist",
    "ESRCH": b"no such process",
    "EINTR": b"interrupted system call",
    "EIO": b"input/output error",
    "ENXIO": b"device not configured",
    "E2BIG": b"argument list too long",
    "ENOEXEC": b"exec format error",
    "EBADF": b"file descriptor not open",
    "ECHILD": b"no child processes",
    "EAGAIN": b"temporary failure",
    "ENOMEM": b"out of memory",
    "EACCES": b"access denied",
    "EFAULT": b"bad address",
    "ENOTBLK": b"not a block device",
    "EBUSY": b"device busy",
    "EEXIST": b"file already exists",
    "EXDEV": b"cross-device link",
    "ENODEV": b"device does not support operation",
    "ENOTDIR": b"not a directory",
    "EISDIR": b"is a directory",
    "EINVAL": b"invalid argument",
    "ENFILE": b"system cannot open more files",
    "EMFILE": b"process cannot open more files",
    "ENOTTY": b"not a tty",
    "ETXTBSY": b"text busy",
    "EFBIG": b"file too big",
    "ENOSPC": b"out of disk space",
    "ESPIPE": b"unseekable descriptor",
    "EROFS": b"read-only file system",
    "EMLINK": b"too many links",
    "EPIPE": b"broken pipe",
    "EDOM": b"input out of range",
    "ERANGE": b"output out of range",
    "EDEADLK": b"operation would cause deadlock",
    "ENAMETOOLONG": b"file name too long",
    "ENOLCK": b"no locks available",
    "ENOSYS": b"system call not available",
    "ENOTEMPTY": b"directory not empty",
    "ELOOP": b"symbolic link loop",
    "ENOMSG": b"no message of desired type",
    "EIDRM": b"identifier removed",
    "ENOSTR": b"not a stream device",
    "ETIME": b"timer expired",
    "ENOSR": b"out of stream resources",
    "ENONET": b"machine not on network",
    "EREMOTE": b"too many levels of remote in path",
    "ENOLINK": b"link severed",
    "EADV": b"advertise error",
    "ESRMNT": b"srmount error",
    "ECOMM": b"communication error",
    "EPROTO": b"protocol error",
    "EMULTIHOP": b"multihop attempted",
    "EBADMSG": b"bad message type",
    "EREMCHG": b"remote address changed",
    "EUSERS": b"too many users",
    "ENOTSOCK": b"not a socket",
    "EDESTADDRREQ": b"destination address required",
    "EMSGSIZE": b"message too long",
    "EPROTOTYPE": b"incorrect protocol type",
    "ENOPROTOOPT": b"protocol not available",
    "EPROTONOSUPPORT": b"protocol not supported",
    "ESOCKTNOSUPPORT": b"socket type not supported",
    "EOPNOTSUPP": b"operation not supported",
    "EPFNOSUPPORT": b"protocol family not supported",
    "EAFNOSUPPORT": b"address family not supported",
    "EADDRINUSE": b"address already used",
    "EADDRNOTAVAIL": b"address not available",
    "ENETDOWN": b"network down",
    "ENETUNREACH": b"network unreachable",
    "ENETRESET": b"network reset",
    "ECONNABORTED": b"connection aborted",
    "ECONNRESET": b"connection reset",
    "ENOBUFS": b"out of buffer space",
    "EISCONN": b"already connected",
    "ENOTCONN": b"not connected",
    "ESHUTDOWN": b"socket shut down",
    "ETOOMANYREFS": b"too many references",
    "ETIMEDOUT": b"timed out",
    "ECONNREFUSED": b"connection refused",
    "EHOSTDOWN": b"host down",
    "EHOSTUNREACH": b"host unreachable",
    "EALREADY": b"operation already in progress",
    "EINPROGRESS": b"operation in progress",
    "ESTALE": b"stale NFS file handle",
    "EDQUOT": b"disk quota exceeded",
}


def words_of(number: int) -> bytes:
    """Return the words for ``number``, an ``errno``; the system's own where C has none."""
    for name, words in WORDS.items():  # not by errno.errorcode, where a number has one name
        if getattr(errno, name, 0) == number:
            return words
    return os.fsencode(os.strerror(number).lower())

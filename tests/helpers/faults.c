/* System calls that fail, or take longer, at random: preloaded into the programs of a test.
 *
 * Acts only in processes whose command line names one of FAULTS_IN (svscan,loghost,...), and
 * only while the file FAULTS_FILE says so, which every process shares:
 *
 *     0  uint32  how many of a million calls fail; as many are delayed
 *     4  uint32  how many processes there were
 *     8  uint32  how many calls failed
 *
 * FAULTS_SEED begins the sequence of random numbers, FAULTS_CALLS names the calls (all, if it is
 * empty), FAULTS_SPARE the path below which nothing fails: the interpreter's own files. What was
 * done is written to FAULTS_LOG, a line each: pid, call, error.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST 8192
#define LONGEST_DELAY 3000000 /* nanoseconds */

static _Atomic uint32_t *shared;
static uint64_t seed;
static _Atomic uint64_t drawn;
static const char *calls = "";
static char spare[1024];
static unsigned char spared[MOST];
static int notes = -1;

static uint64_t draw(void)
{
	uint64_t z = seed + atomic_fetch_add(&drawn, 1) * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Whether word is in a list with commas. */
static int among(const char *list, const char *word, size_t length)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		if (n == length && !memcmp(list, word, n))
			return 1;
		list += n + (list[n] == ',');
	}
	return 0;
}

static int is_chosen(const char *programs)
{
	char line[4096];
	int fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : syscall(SYS_read, fd, line, sizeof line - 1);
	if (fd >= 0)
		syscall(SYS_close, fd);
	if (length <= 0)
		return 0;
	line[length] = 0;
	for (char *word = line; word < line + length; word += strlen(word) + 1) {
		char *slash = strrchr(word, '/');
		char *name = slash ? slash + 1 : word;
		if (among(programs, name, strlen(name)))
			return 1;
	}
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *programs = getenv("FAULTS_IN"), *file = getenv("FAULTS_FILE");
	if (!programs || !file || !is_chosen(programs))
		return;
	int fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (map == MAP_FAILED)
		return;
	if (getenv("FAULTS_CALLS"))
		calls = strdup(getenv("FAULTS_CALLS"));
	if (getenv("FAULTS_SPARE"))
		snprintf(spare, sizeof spare, "%s", getenv("FAULTS_SPARE"));
	if (getenv("FAULTS_SEED"))
		seed = strtoull(getenv("FAULTS_SEED"), 0, 10);
	seed ^= (uint64_t)atomic_fetch_add((_Atomic uint32_t *)map + 1, 1) << 32;
	notes = -1;
	if (getenv("FAULTS_LOG")) {
		int opened = syscall(SYS_openat, AT_FDCWD, getenv("FAULTS_LOG"),
		                     O_WRONLY | O_APPEND | O_CLOEXEC);
		/* Far up, where no descriptor of the program is taken for it. */
		notes = opened < 0 ? -1 : syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, 900);
		if (opened >= 0)
			syscall(SYS_close, opened);
	}
	shared = map;
}

/* Return an error of the list (which ends with 0) if this call is to fail; else 0. */
static int fails(const char *call, const int *errors, const char *about)
{
	if (!shared)
		return 0;
	uint32_t rate = atomic_load(shared);
	if (!rate || (*calls && !among(calls, call, strlen(call))))
		return 0;
	uint64_t number = draw();
	if ((number >> 20) % 1000000 < rate) {
		struct timespec pause = {0, (number >> 40) % LONGEST_DELAY};
		syscall(SYS_nanosleep, &pause, 0);
	}
	number = draw();
	if (!*errors || (number >> 20) % 1000000 >= rate)
		return 0;
	int n = 0;
	while (errors[n])
		n++;
	int error = errors[(number >> 8) % n];
	atomic_fetch_add(shared + 2, 1);
	if (notes >= 0) {
		char line[512];
		int length = snprintf(line, sizeof line, "%d %s %d %.400s\n", getpid(), call, error,
		                      about ? about : "");
		syscall(SYS_write, notes, line, length);
	}
	return error;
}

static int is_spared(const char *path)
{
	static const char *always[] = {"/usr/", "/lib", "/etc/", "/proc/self/maps", 0};
	if (!path)
		return 1;
	for (int n = 0; always[n]; n++)
		if (!strncmp(path, always[n], strlen(always[n])))
			return 1;
	return *spare && !strncmp(path, spare, strlen(spare));
}

static int fd_fails(const char *call, const int *errors, int fd)
{
	if (fd >= 0 && fd < MOST && spared[fd])
		return 0;
	char about[64], target[300];
	snprintf(about, sizeof about, "/proc/self/fd/%d", fd);
	ssize_t n = shared && atomic_load(shared) ? syscall(SYS_readlink, about, target, 299) : -1;
	target[n < 0 ? 0 : n] = 0;
	return fails(call, errors, target);
}

#define NEXT(name) \
	static __typeof__(&name) next; \
	if (!next) \
		next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define ERRORS(...) static const int errors[] = {__VA_ARGS__ __VA_OPT__(,) 0}
#define FAIL_IF(failing, result) \
	do { \
		int error_ = (failing); \
		if (error_) { \
			errno = error_; \
			return result; \
		} \
	} while (0)

/* Calls on a path. */
#define BY_PATH(type, name, call, bad, parameters, arguments, path, ...) \
	type name parameters \
	{ \
		NEXT(name); \
		ERRORS(__VA_ARGS__); \
		if (!is_spared(path)) \
			FAIL_IF(fails(call, errors, path), bad); \
		return next arguments; \
	}

/* Calls on a descriptor. */
#define BY_FD(type, name, call, bad, parameters, arguments, fd, ...) \
	type name parameters \
	{ \
		NEXT(name); \
		ERRORS(__VA_ARGS__); \
		FAIL_IF(fd_fails(call, errors, fd), bad); \
		return next arguments; \
	}

#define OPENED(path, expression) \
	int fd_ = (expression); \
	if (fd_ >= 0 && fd_ < MOST) \
		spared[fd_] = is_spared(path); \
	return fd_

#define MODE(after) \
	va_list list_; \
	va_start(list_, after); \
	int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(list_, int) : 0; \
	va_end(list_)

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		MODE(flags); \
		NEXT(name); \
		ERRORS(EMFILE, ENFILE, ENOMEM, EIO, EACCES); \
		/* Whether it may look at a process does not change from one moment to the next. */ \
		static const int of_proc[] = {EMFILE, ENFILE, ENOMEM, 0}; \
		if (!is_spared(path)) \
			FAIL_IF(fails("open", strncmp(path, "/proc/", 6) ? errors : of_proc, path), -1); \
		OPENED(path, next(path, flags, mode)); \
	}

#define OPENAT(name) \
	int name(int base, const char *path, int flags, ...) \
	{ \
		MODE(flags); \
		NEXT(name); \
		ERRORS(EMFILE, ENFILE, ENOMEM, EIO); \
		if (!is_spared(path)) \
			FAIL_IF(fails("openat", errors, path), -1); \
		OPENED(path, next(base, path, flags, mode)); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

BY_PATH(DIR *, opendir, "opendir", 0, (const char *path), (path), path, EMFILE, EIO, ENOMEM)
BY_PATH(int, stat, "stat", -1, (const char *path, struct stat *s), (path, s), path, EIO, ENOMEM)
BY_PATH(int, lstat, "stat", -1, (const char *path, struct stat *s), (path, s), path, EIO, ENOMEM)
BY_PATH(int, stat64, "stat", -1, (const char *path, struct stat64 *s), (path, s), path, EIO, ENOMEM)
BY_PATH(int, lstat64, "stat", -1, (const char *path, struct stat64 *s), (path, s), path, EIO, ENOMEM)
BY_PATH(int, mkdir, "mkdir", -1, (const char *path, mode_t mode), (path, mode), path, ENOSPC, EIO, EROFS)
BY_PATH(int, mkfifo, "mkfifo", -1, (const char *path, mode_t mode), (path, mode), path, ENOSPC, EIO)
BY_PATH(int, rename, "rename", -1, (const char *path, const char *to), (path, to), path, EIO, ENOSPC)
BY_PATH(int, renameat, "rename", -1, (int from, const char *path, int into, const char *to),
        (from, path, into, to), path, EIO, ENOSPC)
BY_PATH(int, link, "link", -1, (const char *path, const char *to), (path, to), path, EIO, ENOSPC)
BY_PATH(int, unlink, "unlink", -1, (const char *path), (path), path, EIO, ENOMEM)
BY_PATH(int, unlinkat, "unlink", -1, (int base, const char *path, int flags), (base, path, flags), path, EIO)
BY_PATH(int, chdir, "chdir", -1, (const char *path), (path), path, EIO, ENOMEM)
BY_PATH(int, inotify_add_watch, "inotify_add_watch", -1, (int fd, const char *path, uint32_t mask),
        (fd, path, mask), path, ENOSPC, ENOMEM)

BY_FD(ssize_t, pread, "pread", -1, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), fd, EIO)
BY_FD(ssize_t, pread64, "pread", -1, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at),
      fd, EIO)
BY_FD(ssize_t, pwrite, "pwrite", -1, (int fd, const void *data, size_t size, off_t at),
      (fd, data, size, at), fd, EIO, ENOSPC)
BY_FD(ssize_t, pwrite64, "pwrite", -1, (int fd, const void *data, size_t size, off64_t at),
      (fd, data, size, at), fd, EIO, ENOSPC)
BY_FD(int, fsync, "fsync", -1, (int fd), (fd), fd, EIO, ENOSPC)
BY_FD(int, fdatasync, "fsync", -1, (int fd), (fd), fd, EIO, ENOSPC)
BY_FD(int, ftruncate, "ftruncate", -1, (int fd, off_t size), (fd, size), fd, EIO, EINTR)
BY_FD(int, ftruncate64, "ftruncate", -1, (int fd, off64_t size), (fd, size), fd, EIO, EINTR)
BY_FD(int, fchmod, "fchmod", -1, (int fd, mode_t mode), (fd, mode), fd, EIO)
BY_FD(int, fstat, "fstat", -1, (int fd, struct stat *s), (fd, s), fd, EIO)
BY_FD(int, fstat64, "fstat", -1, (int fd, struct stat64 *s), (fd, s), fd, EIO)
BY_FD(int, flock, "flock", -1, (int fd, int what), (fd, what), fd, ENOLCK, EINTR)
BY_FD(int, dup, "dup", -1, (int fd), (fd), fd, EMFILE)
BY_FD(int, epoll_wait, "epoll_wait", -1, (int e, struct epoll_event *found, int most, int wait),
      (e, found, most, wait), e, EINTR)
BY_FD(ssize_t, sendmsg, "sendmsg", -1, (int fd, const struct msghdr *m, int flags), (fd, m, flags), fd,
      ENOBUFS, ENOMEM, EINTR)
BY_FD(ssize_t, recvmsg, "recvmsg", -1, (int fd, struct msghdr *m, int flags), (fd, m, flags), fd, ENOMEM,
      EINTR)
BY_FD(ssize_t, send, "send", -1, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags),
      fd, ENOBUFS, ENOMEM)
BY_FD(ssize_t, recv, "recv", -1, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), fd,
      ENOMEM)
BY_FD(ssize_t, splice, "splice", -1,
      (int fd, off64_t *from, int to, off64_t *at, size_t size, unsigned flags),
      (fd, from, to, at, size, flags), fd, ENOMEM, EIO)
BY_FD(int, socketpair, "socketpair", -1, (int family, int type, int protocol, int fds[2]),
      (family, type, protocol, fds), -1, EMFILE, ENOBUFS)
BY_FD(int, pipe2, "pipe", -1, (int fds[2], int flags), (fds, flags), -1, EMFILE, ENFILE)
BY_FD(pid_t, fork, "fork", -1, (void), (), -1, EAGAIN, ENOMEM)
BY_FD(pid_t, waitpid, "waitpid", -1, (pid_t pid, int *status, int flags), (pid, status, flags), -1, EINTR)
BY_FD(int, setrlimit, "setrlimit", -1, (__rlimit_resource_t what, const struct rlimit *to), (what, to), -1, EPERM)
BY_FD(int, setrlimit64, "setrlimit", -1, (__rlimit_resource_t what, const struct rlimit64 *to), (what, to), -1,
      EPERM)
/* A delay is all that these can have. */
BY_FD(int, kill, "kill", -1, (pid_t pid, int number), (pid, number), -1)

/* Whether it is a file on a disk, which may fail; a pipe or a FIFO does not. */
static int is_file(int fd)
{
	struct stat about;
	return shared && !syscall(SYS_fstat, fd, &about) && S_ISREG(about.st_mode);
}

ssize_t read(int fd, void *data, size_t size)
{
	NEXT(read);
	ERRORS(EIO, ENOMEM, EINTR);
	static const int interrupted[] = {EINTR, 0};
	FAIL_IF(fd_fails("read", is_file(fd) ? errors : interrupted, fd), -1);
	return next(fd, data, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
	NEXT(write);
	ERRORS(EIO, ENOSPC, EINTR);
	static const int interrupted[] = {EINTR, 0};
	if (fd > 2) /* what is said of it must be heard */
		FAIL_IF(fd_fails("write", is_file(fd) ? errors : interrupted, fd), -1);
	return next(fd, data, size);
}

int epoll_ctl(int poll, int what, int fd, struct epoll_event *about)
{
	NEXT(epoll_ctl);
	ERRORS(ENOMEM, ENOSPC);
	if (what != EPOLL_CTL_DEL) /* which needs no memory */
		FAIL_IF(fd_fails("epoll_ctl", errors, fd), -1);
	return next(poll, what, fd, about);
}

int close(int fd)
{
	NEXT(close);
	ERRORS();
	fd_fails("close", errors, fd);
	if (fd >= 0 && fd < MOST)
		spared[fd] = 0;
	if (fd == notes) { /* closing all there is */
		errno = EBADF;
		return -1;
	}
	return next(fd);
}

static int fcntl_fails(int fd, int what)
{
	ERRORS(EMFILE, ENFILE);
	return what == F_DUPFD || what == F_DUPFD_CLOEXEC ? fd_fails("dup", errors, fd) : 0;
}

#define FCNTL(name) \
	int name(int fd, int what, ...) \
	{ \
		NEXT(name); \
		va_list list; \
		va_start(list, what); \
		void *argument = va_arg(list, void *); \
		va_end(list); \
		FAIL_IF(fcntl_fails(fd, what), -1); \
		return next(fd, what, argument); \
	}

FCNTL(fcntl)
FCNTL(fcntl64)

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *restrict actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const environment[restrict])
{
	NEXT(posix_spawn);
	ERRORS(EAGAIN, ENOMEM);
	int error = fails("posix_spawn", errors, path);
	return error ? error : next(pid, path, actions, attributes, argv, environment);
}

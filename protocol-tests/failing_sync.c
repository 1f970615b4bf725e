/* Fails one sync, the one numbered FAIL_AT, as a disk does whose error is reported once: the next ones succeed and write
   nothing of it. Each call adds a byte to the file SYNC_COUNT; the failure is noted in the file SYNC_FAILED. Preloaded
   by scripts/sync-failure-test. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static void note(const char *variable, const char *what, size_t length) {
    const char *path = getenv(variable);
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file >= 0) {
        if (write(file, what, length) < 0) abort();
        close(file);
    }
}

/* The failure is noted with the path of what was to be synced. */
static int fails(int fd) {
    const char *at = getenv("FAIL_AT");
    char link[64], path[4096];
    int number = ++calls;
    note("SYNC_COUNT", ".", 1);
    if (!at || atoi(at) != number) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    note("SYNC_FAILED", path, length > 0 ? (size_t)length : 0);
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }

/* Fails one sync, the one numbered FAIL_AT, as a disk does whose error is reported once: the next ones succeed and write
   nothing of it. Each call adds a byte to the file SYNC_COUNT; the failure is noted in the file SYNC_FAILED. Preloaded
   by scripts/sync-failure-test. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static int fails(int fd, const char *what, size_t length) {
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) what = "directory\n", length = 10;
    const char *at = getenv("FAIL_AT");
    int number = ++calls;
    note("SYNC_COUNT", ".", 1);
    if (!at || atoi(at) != number) return 0;
    note("SYNC_FAILED", what, length);
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails(fd, "fsync\n", 6) ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails(fd, "fdatasync\n", 10) ? -1 : (int)syscall(SYS_fdatasync, fd); }

/* Loaded into the relay with LD_PRELOAD: makes syncs fail, slow or do nothing and moves the wall clock, as a file that is mapped says.
   It is compiled by shim.ts on the spot and is part of no build. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
  int32_t sync_errno;      /* syncs fail with it; 0: they do not */
  int32_t sync_delay_ms;   /* syncs take this much longer */
  int64_t clock_offset_ms; /* CLOCK_REALTIME is off by this */
  int64_t syncs;           /* counts syncs that were let through, so that a test sees that it is loaded */
  int64_t failed;          /* counts syncs that were failed */
  int64_t skip_syncs;      /* syncs do nothing, and writes stay in the system's cache */
};

static volatile struct control *control;

__attribute__((constructor)) static void load(void) {
  const char *path = getenv("SEALRELAY_FAULTS");
  int fd = path == NULL ? -1 : open(path, O_RDWR);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int sync_with(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (control == NULL) return real(fd);
  if (control->sync_delay_ms > 0) usleep((useconds_t)control->sync_delay_ms * 1000);
  if (control->sync_errno != 0) {
    __sync_fetch_and_add(&control->failed, 1);
    errno = control->sync_errno;
    return -1;
  }
  __sync_fetch_and_add(&control->syncs, 1);
  return control->skip_syncs ? 0 : real(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }

/* A write past the cache is on the disk without a sync: who never syncs has none of those. */
static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  if (control != NULL && control->skip_syncs) flags &= ~O_DIRECT;
  return real(path, flags, mode);
}

#define OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    mode_t mode = 0;                                            \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
      va_list rest;                                             \
      va_start(rest, flags);                                    \
      mode = va_arg(rest, mode_t);                              \
      va_end(rest);                                             \
    }                                                           \
    return open_with(#name, path, flags, mode);                 \
  }
OPEN(open)
OPEN(open64)

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME && control != NULL) now->tv_sec += control->clock_offset_ms / 1000;
  return result;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

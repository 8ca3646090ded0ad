/*
 * Stands between LMDB and the disk for one file (FAIRLEAD_SHIM_FILE): writes down what is written to it and what is made durable
 * (FAIRLEAD_SHIM_JOURNAL), and fails or delays on demand (first byte of FAIRLEAD_SHIM_CONTROL). Loaded with LD_PRELOAD.
 *
 * A journal entry is three little-endian 64-bit numbers (kind, offset, length) and, for a write, its bytes. Kinds: 1 write,
 * 2 write that is durable by itself (O_DSYNC), 3 the length was set, 4 all before is durable, 5 an acknowledgement: what the process
 * writes to FAIRLEAD_SHIM_ACKS. An entry of kind 4 is written when the system has said that it is so, and nothing is written meanwhile:
 * every prefix of the journal is what a power loss may find, with what was acknowledged until then.
 *
 * Controls: 'e' writes fail with EIO, 'f' syncs do, 'm' writes to an O_DSYNC descriptor do, 'n' writes fail with ENOSPC,
 * 's' whatever waits for the disk takes 500 ms. Anything else: nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, WRITE_DURABLE = 2, LENGTH = 3, SYNC = 4, ACKNOWLEDGED = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *file, *acks;
static int journal = -1;
static volatile const char *control;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_msync)(void *, size_t, int);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_msync = dlsym(RTLD_NEXT, "msync");
  file = getenv("FAIRLEAD_SHIM_FILE");
  acks = getenv("FAIRLEAD_SHIM_ACKS");
  const char *name = getenv("FAIRLEAD_SHIM_JOURNAL");
  if (name) journal = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  name = getenv("FAIRLEAD_SHIM_CONTROL");
  int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) control = page;
  close(fd);
}

static int is_of(int fd, const char *wanted) {
  char link[64], path[4096];
  if (!wanted || fd < 3) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strcmp(path, wanted) == 0;
}

static int is_ours(int fd) {
  return is_of(fd, file);
}

static int is_durable(int fd) {
  return (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

static char mode(void) {
  return control ? *control : 0;
}

static void wait_if_slow(void) {
  struct timespec half = {0, 500000000};
  if (mode() == 's') nanosleep(&half, NULL);
}

static void note(uint64_t kind, uint64_t offset, const struct iovec *parts, int count, uint64_t length) {
  uint64_t head[3] = {kind, offset, length};
  if (journal < 0) return;
  if (real_write(journal, head, sizeof head) != sizeof head) abort();
  for (int i = 0; i < count && length > 0; i++) {
    size_t bytes = parts[i].iov_len < length ? parts[i].iov_len : length;
    for (size_t done = 0; done < bytes;) {
      ssize_t wrote = real_write(journal, (const char *)parts[i].iov_base + done, bytes - done);
      if (wrote <= 0) abort();
      done += wrote;
    }
    length -= bytes;
  }
}

/* The error that a write is to end with, or 0. */
static int write_error(int fd) {
  char now = mode();
  if (now == 'e' || (now == 'm' && is_durable(fd))) return EIO;
  return now == 'n' ? ENOSPC : 0;
}

static ssize_t write_ours(int fd, const struct iovec *parts, int count, off64_t offset, int moves) {
  int durable = is_durable(fd), error = write_error(fd);
  if (error) {
    errno = error;
    return -1;
  }
  if (durable) wait_if_slow();
  pthread_mutex_lock(&lock);
  ssize_t wrote = moves ? real_writev(fd, parts, count) : real_pwritev(fd, parts, count, offset);
  int saved = errno;
  if (wrote > 0) note(durable ? WRITE_DURABLE : WRITE, offset, parts, count, wrote);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return wrote;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  struct iovec part = {(void *)bytes, length};
  return is_ours(fd) ? write_ours(fd, &part, 1, offset, 0) : real_pwrite(fd, bytes, length, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  return is_ours(fd) ? write_ours(fd, parts, count, offset, 0) : real_pwritev(fd, parts, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = {(void *)bytes, length};
  if (is_of(fd, acks)) {
    pthread_mutex_lock(&lock);
    note(ACKNOWLEDGED, 0, &part, 1, length);
    pthread_mutex_unlock(&lock);
  }
  return is_ours(fd) ? write_ours(fd, &part, 1, lseek64(fd, 0, SEEK_CUR), 1) : real_write(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  return is_ours(fd) ? write_ours(fd, parts, count, lseek64(fd, 0, SEEK_CUR), 1) : real_writev(fd, parts, count);
}

int ftruncate64(int fd, off64_t length) {
  if (!is_ours(fd)) return real_ftruncate(fd, length);
  pthread_mutex_lock(&lock);
  int result = real_ftruncate(fd, length), saved = errno;
  if (result == 0) note(LENGTH, length, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

static int sync_ours(int fd, int (*sync)(int)) {
  if (mode() == 'f') {
    errno = EIO;
    return -1;
  }
  wait_if_slow();
  pthread_mutex_lock(&lock);
  int result = sync(fd), saved = errno;
  if (result == 0) note(SYNC, 0, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

int fdatasync(int fd) {
  return is_ours(fd) ? sync_ours(fd, real_fdatasync) : real_fdatasync(fd);
}

int fsync(int fd) {
  return is_ours(fd) ? sync_ours(fd, real_fsync) : real_fsync(fd);
}

/* The store never writes through its map: a call of this would be a durability that the journal does not know. */
int msync(void *address, size_t length, int flags) {
  if (file) abort();
  return real_msync(address, length, flags);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) __attribute__((alias("pwrite64")));
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) __attribute__((alias("pwritev64")));
int ftruncate(int fd, off_t length) __attribute__((alias("ftruncate64")));

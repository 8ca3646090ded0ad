/*
 * Stands between a store and the disk for the files of one folder (FAIRLEAD_SHIM_FOLDER): data.mdb, which LMDB writes, and redo-0, redo-1
 * and so on. Writes down what is written to them and what is made durable (FAIRLEAD_SHIM_JOURNAL), and fails or delays on demand (first
 * byte of FAIRLEAD_SHIM_CONTROL). Loaded with LD_PRELOAD.
 *
 * A journal entry is four little-endian 64-bit numbers (kind, file, offset, length) and, for a write, its bytes. File 0 is data.mdb, n + 1
 * is redo-n. Kinds: 1 write, 2 write that is durable by itself (O_DSYNC), 3 the length was set, 4 all before in that file is durable, 5 an
 * acknowledgement: what the process writes to FAIRLEAD_SHIM_ACKS. An entry of kind 4 is written when the system has said that it is so, and
 * nothing is written meanwhile: every prefix of the journal is what a power loss may find, with what was acknowledged until then. A
 * durable write to the redo log is long: it has an entry of kind 1 when it begins, and one of kind 4 when it is done.
 *
 * Controls: 'e' writes fail with EIO, 'f' syncs do (a durable write to the redo log is written, and fails then), 'm' writes to an O_DSYNC
 * descriptor of data.mdb do, 'n' writes fail with ENOSPC, 's' whatever waits for the disk takes 500 ms. Anything else: nothing. The process
 * is killed instead of its nth operation from there on, where the four bytes from the fourth on say n and not 0; its children are not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
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
static const char *folder, *acks;
static int journal = -1;
static volatile const char *control;
static int is_child;

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
  folder = getenv("FAIRLEAD_SHIM_FOLDER");
  acks = getenv("FAIRLEAD_SHIM_ACKS");
  const char *name = getenv("FAIRLEAD_SHIM_JOURNAL");
  if (name) journal = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  name = getenv("FAIRLEAD_SHIM_CONTROL");
  int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  is_child = getenv("FAIRLEAD_SHIM_CHILD") != NULL;
  setenv("FAIRLEAD_SHIM_CHILD", "1", 1);
  if (fd < 0) return;
  void *page = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) control = page;
  close(fd);
}

/* The path behind a descriptor, or NULL. */
static const char *path_of(int fd, char *path, size_t size) {
  char link[64];
  if (fd < 3) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return NULL;
  path[length] = 0;
  return path;
}

static int is_acks(int fd) {
  char buffer[4096];
  const char *path = acks ? path_of(fd, buffer, sizeof buffer) : NULL;
  return path && strcmp(path, acks) == 0;
}

/* The number of a file of ours, or -1. */
static int ours(int fd) {
  char buffer[4096], rest;
  const char *path = folder ? path_of(fd, buffer, sizeof buffer) : NULL;
  size_t length = folder ? strlen(folder) : 0;
  int number;
  if (!path || strncmp(path, folder, length) != 0 || path[length] != '/') return -1;
  if (strcmp(path + length + 1, "data.mdb") == 0) return 0;
  return sscanf(path + length + 1, "redo-%d%c", &number, &rest) == 1 ? number + 1 : -1;
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

static void note(uint64_t kind, uint64_t of, uint64_t offset, const struct iovec *parts, int count, uint64_t length) {
  uint64_t head[4] = {kind, of, offset, length};
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

/* An operation begins, or never does. */
static void begin_operation(void) {
  static uint32_t wanted, done;
  uint32_t now = control && !is_child ? *(volatile const uint32_t *)(control + 4) : 0;
  pthread_mutex_lock(&lock);
  if (now != wanted) done = 0;
  wanted = now;
  int dies = wanted != 0 && ++done == wanted;
  if (dies) kill(getpid(), SIGKILL);
  while (dies) pause();
  pthread_mutex_unlock(&lock);
}

/* The error that a write is to end with, or 0. */
static int write_error(int of, int fd) {
  char now = mode();
  if (now == 'e' || (now == 'm' && of == 0 && is_durable(fd))) return EIO;
  return now == 'n' ? ENOSPC : 0;
}

static ssize_t written(int fd, const struct iovec *parts, int count, off64_t offset, int moves) {
  return moves ? real_writev(fd, parts, count) : real_pwritev(fd, parts, count, offset);
}

static uint64_t length_of(const struct iovec *parts, int count) {
  uint64_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  return length;
}

/* A write that takes its time: until it is done it may be on the disk in parts. */
static ssize_t write_redo(int of, int fd, const struct iovec *parts, int count, off64_t offset, int moves) {
  pthread_mutex_lock(&lock);
  note(WRITE, of, offset, parts, count, length_of(parts, count));
  pthread_mutex_unlock(&lock);
  wait_if_slow();
  pthread_mutex_lock(&lock);
  ssize_t wrote = written(fd, parts, count, offset, moves);
  int saved = errno, fails = mode() == 'f';
  if (wrote > 0 && !fails) note(SYNC, of, 0, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  errno = fails ? EIO : saved;
  return fails ? -1 : wrote;
}

static ssize_t write_ours(int of, int fd, const struct iovec *parts, int count, off64_t offset, int moves) {
  begin_operation();
  int durable = is_durable(fd), error = write_error(of, fd);
  if (error) {
    errno = error;
    return -1;
  }
  if (of > 0 && durable) return write_redo(of, fd, parts, count, offset, moves);
  if (durable) wait_if_slow();
  pthread_mutex_lock(&lock);
  ssize_t wrote = written(fd, parts, count, offset, moves);
  int saved = errno;
  if (wrote > 0) note(durable ? WRITE_DURABLE : WRITE, of, offset, parts, count, wrote);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return wrote;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  struct iovec part = {(void *)bytes, length};
  int of = ours(fd);
  return of >= 0 ? write_ours(of, fd, &part, 1, offset, 0) : real_pwrite(fd, bytes, length, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  int of = ours(fd);
  return of >= 0 ? write_ours(of, fd, parts, count, offset, 0) : real_pwritev(fd, parts, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = {(void *)bytes, length};
  int of = ours(fd);
  if (is_acks(fd)) {
    pthread_mutex_lock(&lock);
    note(ACKNOWLEDGED, 0, 0, &part, 1, length);
    pthread_mutex_unlock(&lock);
  }
  return of >= 0 ? write_ours(of, fd, &part, 1, lseek64(fd, 0, SEEK_CUR), 1) : real_write(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  int of = ours(fd);
  return of >= 0 ? write_ours(of, fd, parts, count, lseek64(fd, 0, SEEK_CUR), 1) : real_writev(fd, parts, count);
}

int ftruncate64(int fd, off64_t length) {
  int of = ours(fd);
  if (of < 0) return real_ftruncate(fd, length);
  begin_operation();
  pthread_mutex_lock(&lock);
  int result = real_ftruncate(fd, length), saved = errno;
  if (result == 0) note(LENGTH, of, length, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

static int sync_ours(int of, int fd, int (*sync)(int)) {
  begin_operation();
  if (mode() == 'f') {
    errno = EIO;
    return -1;
  }
  wait_if_slow();
  pthread_mutex_lock(&lock);
  int result = sync(fd), saved = errno;
  if (result == 0) note(SYNC, of, 0, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  errno = saved;
  return result;
}

int fdatasync(int fd) {
  int of = ours(fd);
  return of >= 0 ? sync_ours(of, fd, real_fdatasync) : real_fdatasync(fd);
}

int fsync(int fd) {
  int of = ours(fd);
  return of >= 0 ? sync_ours(of, fd, real_fsync) : real_fsync(fd);
}

/* The store never writes through its map: a call of this would be a durability that the journal does not know. */
int msync(void *address, size_t length, int flags) {
  if (folder) abort();
  return real_msync(address, length, flags);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) __attribute__((alias("pwrite64")));
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) __attribute__((alias("pwritev64")));
int ftruncate(int fd, off_t length) __attribute__((alias("ftruncate64")));

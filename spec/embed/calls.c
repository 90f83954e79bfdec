/*
 * calls.c - a library for LD_PRELOAD between virtlun and libvirt's client: it counts the calls that virtlun makes, and
 * has one of them fail.  The environment says which and how:
 *
 *   VIRTLUN_CALL         the number of the call, from 1 on; the others pass
 *   VIRTLUN_CALL_WAY     refused      the host says no, and has not been asked
 *                        denied       the host has done it, and says no all the same
 *                        cut_before   the connections to the daemon break before the call is sent
 *                        cut_after    they break when the call was made, and its answer is lost
 *                        killed_before, killed_during, killed_after    the daemon is killed, and so with its call
 *                        restarted    the daemon is killed before the call is sent, and is back at once
 *   VIRTLUN_CALL_CODE    the libvirt code of a refusal
 *   VIRTLUN_CALL_AFTER   microseconds into the call after which killed_during kills
 *   VIRTLUN_CALL_DAEMON  the daemon's process
 *   VIRTLUN_CALL_REVIVE  the command that starts it again
 *   VIRTLUN_CALL_LOG     a file that gets a line for each call: number, name, microseconds, and "hit" if it was that
 * one
 *
 * It knows nothing of what the calls are for.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

enum { HIGHEST_DESCRIPTOR = 256 };

struct call {
  int number;
  const char *name, *way; /* way: NULL if it passes */
  struct timespec begun;
  pthread_t killer;
};

static atomic_int count;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static int number_of(const char *name) { return atoi(setting(name)); }

static bool is(const struct call *call, const char *way) { return call->way && !strcmp(call->way, way); }

/* --- what libvirt would have said ------------------------------------------------------------------------- */

static _Thread_local virError said;
static _Thread_local bool has_said;

static void say(int code, int domain, const char *message) {
  said = (virError){.code = code, .domain = domain, .level = VIR_ERR_ERROR, .message = (char *)message};
  has_said = true;
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *library = dlopen("libvirt.so.0", RTLD_LAZY);
  void *found = library ? dlsym(library, name) : NULL;
  if (found) return found;
  fprintf(stderr, "calls.so: libvirt has no %s\n", name);
  abort();
}

__attribute__((visibility("default"))) virErrorPtr virGetLastError(void) {
  return has_said ? &said : REAL(virGetLastError)();
}

__attribute__((visibility("default"))) int virGetLastErrorCode(void) {
  return has_said ? said.code : REAL(virGetLastErrorCode)();
}

/* --- what happens to the daemon --------------------------------------------------------------------------- */

static void nap(long microseconds) {
  struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&time, NULL);
}

/* Whether it is there and not merely waiting to be forgotten. */
static bool is_alive(int pid) {
  char path[64], state = 'Z';
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  if (fscanf(file, "%*d %*s %c", &state) != 1) state = 'Z';
  fclose(file);
  return state != 'Z';
}

static void *kill_daemon(void *after) {
  int pid = number_of("VIRTLUN_CALL_DAEMON");
  if (after) nap(number_of("VIRTLUN_CALL_AFTER"));
  if (pid > 1) kill(pid, SIGKILL);
  while (pid > 1 && is_alive(pid)) nap(200);
  return NULL;
}

static void revive_daemon(void) {
  kill_daemon(NULL);
  if (system(setting("VIRTLUN_CALL_REVIVE"))) fputs("calls.so: the daemon has not come back\n", stderr);
}

static bool leads_to_daemon(int descriptor) {
  struct sockaddr_un peer = {0};
  socklen_t length = sizeof peer;
  return !getpeername(descriptor, (struct sockaddr *)&peer, &length) && peer.sun_family == AF_UNIX &&
         strstr(peer.sun_path, "libvirt-sock");
}

static void cut(void) {
  for (int i = 3; i < HIGHEST_DESCRIPTOR; i++)
    if (leads_to_daemon(i)) shutdown(i, SHUT_RDWR);
}

/* --- a call ----------------------------------------------------------------------------------------------- */

/* Whether the call is to be made. */
static bool begin(struct call *call, const char *name) {
  has_said = false;
  *call = (struct call){.number = atomic_fetch_add(&count, 1) + 1, .name = name};
  if (call->number == number_of("VIRTLUN_CALL")) call->way = setting("VIRTLUN_CALL_WAY");
  clock_gettime(CLOCK_MONOTONIC, &call->begun);
  if (is(call, "cut_before")) cut();
  if (is(call, "killed_before")) kill_daemon(NULL);
  if (is(call, "restarted")) revive_daemon();
  if (is(call, "killed_during")) pthread_create(&call->killer, NULL, kill_daemon, call);
  return !is(call, "refused");
}

static void note(const struct call *call) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long microseconds = (now.tv_sec - call->begun.tv_sec) * 1000000 + (now.tv_nsec - call->begun.tv_nsec) / 1000;
  int file = open(setting("VIRTLUN_CALL_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return;
  char line[128];
  int length =
      snprintf(line, sizeof line, "%d %s %ld%s\n", call->number, call->name, microseconds, call->way ? " hit" : "");
  if (write(file, line, (size_t)length) != length) abort(); /* in one piece, since several threads write */
  close(file);
}

/* Whether the answer reaches whoever has called. */
static bool end(const struct call *call) {
  note(call);
  if (is(call, "killed_after")) kill_daemon(NULL);
  if (is(call, "killed_during")) pthread_join(call->killer, NULL);
  if (is(call, "refused") || is(call, "denied"))
    say(number_of("VIRTLUN_CALL_CODE"), VIR_FROM_QEMU, "the call was made to fail");
  if (is(call, "cut_after")) {
    cut();
    say(VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "internal error: client socket is closed");
  }
  return !has_said;
}

/* A call of libvirt.  What it has given is lost with its answer: the program that is tried this way ends soon. */
#define CALL(type, failure, name, parameters, arguments)                                                               \
  __attribute__((visibility("default"))) type name parameters {                                                        \
    struct call call;                                                                                                  \
    type result = failure;                                                                                             \
    if (begin(&call, #name)) result = REAL(name) arguments;                                                            \
    return end(&call) ? result : failure;                                                                              \
  }

CALL(virConnectPtr, NULL, virConnectOpenAuth, (const char *uri, virConnectAuthPtr auth, unsigned flags),
     (uri, auth, flags))
CALL(int, -1, virConnectClose, (virConnectPtr conn), (conn))
CALL(char *, NULL, virConnectGetURI, (virConnectPtr conn), (conn))
CALL(const char *, NULL, virConnectGetType, (virConnectPtr conn), (conn))
CALL(int, -1, virConnectGetLibVersion, (virConnectPtr conn, unsigned long *version), (conn, version))
CALL(int, -1, virConnectSetKeepAlive, (virConnectPtr conn, int interval, unsigned limit), (conn, interval, limit))
CALL(int, -1, virConnectListAllDomains, (virConnectPtr conn, virDomainPtr **list, unsigned flags), (conn, list, flags))
CALL(int, -1, virConnectRegisterCloseCallback,
     (virConnectPtr conn, virConnectCloseFunc call_back, void *data, virFreeCallback release),
     (conn, call_back, data, release))
CALL(int, -1, virConnectUnregisterCloseCallback, (virConnectPtr conn, virConnectCloseFunc call_back), (conn, call_back))
CALL(int, -1, virConnectDomainEventRegisterAny,
     (virConnectPtr conn, virDomainPtr domain, int event, virConnectDomainEventGenericCallback call_back, void *data,
      virFreeCallback release),
     (conn, domain, event, call_back, data, release))
CALL(int, -1, virConnectDomainEventDeregisterAny, (virConnectPtr conn, int number), (conn, number))

CALL(virDomainPtr, NULL, virDomainLookupByName, (virConnectPtr conn, const char *name), (conn, name))
CALL(virDomainPtr, NULL, virDomainLookupByUUIDString, (virConnectPtr conn, const char *uuid), (conn, uuid))
CALL(virDomainPtr, NULL, virDomainDefineXMLFlags, (virConnectPtr conn, const char *xml, unsigned flags),
     (conn, xml, flags))
CALL(char *, NULL, virDomainGetXMLDesc, (virDomainPtr domain, unsigned flags), (domain, flags))
CALL(int, -1, virDomainGetState, (virDomainPtr domain, int *state, int *reason, unsigned flags),
     (domain, state, reason, flags))
CALL(int, -1, virDomainIsActive, (virDomainPtr domain), (domain))
CALL(int, -1, virDomainIsPersistent, (virDomainPtr domain), (domain))
CALL(int, -1, virDomainHasManagedSaveImage, (virDomainPtr domain, unsigned flags), (domain, flags))
CALL(int, -1, virDomainAttachDeviceFlags, (virDomainPtr domain, const char *xml, unsigned flags), (domain, xml, flags))
CALL(int, -1, virDomainDetachDeviceFlags, (virDomainPtr domain, const char *xml, unsigned flags), (domain, xml, flags))
CALL(int, -1, virDomainUpdateDeviceFlags, (virDomainPtr domain, const char *xml, unsigned flags), (domain, xml, flags))

CALL(virStoragePoolPtr, NULL, virStoragePoolLookupByName, (virConnectPtr conn, const char *name), (conn, name))
CALL(virStorageVolPtr, NULL, virStorageVolLookupByName, (virStoragePoolPtr pool, const char *name), (pool, name))
CALL(int, -1, virStorageVolGetInfo, (virStorageVolPtr volume, virStorageVolInfoPtr info), (volume, info))
CALL(char *, NULL, virStorageVolGetPath, (virStorageVolPtr volume), (volume))

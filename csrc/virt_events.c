/*
 * virt_events.c - one thread runs libvirt's event loop for the whole process; what libvirt calls back there becomes
 * messages in mailboxes.  What is registered with libvirt is the connection; who listens to it is a list here.  Knows
 * no Lua, and nothing of who reads the mailboxes.
 */
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "virt_events.h"

struct virt_subscription {
  atomic_int refs;
  struct virt_subscription *next; /* of the same connection */
  struct virt_mailbox *box;
  long long id;
  unsigned about;
  bool of_one; /* domain */
  unsigned char uuid[VIR_UUID_BUFLEN];
};

/* --- the loop ----------------------------------------------------------------------------------------- */

static void *run_loop(void *unused) {
  (void)unused;
  for (;;) virEventRunDefaultImpl();
  return NULL;
}

static void never(int timer, void *data) {
  (void)timer;
  (void)data;
}

/* Whether anybody has registered a loop: where none is, there are no timers (facts 13). */
static bool has_loop(void) {
  int timer = virEventAddTimeout(-1, never, NULL, NULL);
  if (timer < 0) return false;
  virEventRemoveTimeout(timer);
  return true;
}

bool virt_events_start(bool own) {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&once);
  static bool registered; /* without a thread, if that could not be made */
  bool there = !registered && has_loop();
  static bool running;
  if (!there && !running && own) {
    registered = registered || virEventRegisterDefaultImpl() == 0;
    running = registered && virt_thread_start(run_loop, NULL);
  }
  there = there || running;
  pthread_mutex_unlock(&once);
  return there;
}

/* --- subscriptions ------------------------------------------------------------------------------------ */

struct virt_subscription *virt_subscription_new(struct virt_mailbox *box, long long id, unsigned about,
                                                const struct virt_domain *domain) {
  struct virt_subscription *subscription = calloc(1, sizeof *subscription);
  if (!subscription) return NULL;
  subscription->refs = 1;
  subscription->box = virt_mailbox_ref(box);
  subscription->id = id;
  subscription->about = about;
  subscription->of_one = domain;
  if (domain) memcpy(subscription->uuid, domain->uuid, VIR_UUID_BUFLEN);
  return subscription;
}

void virt_subscription_unref(struct virt_subscription *subscription) {
  if (!subscription || --subscription->refs > 0) return;
  virt_mailbox_unref(subscription->box);
  free(subscription);
}

static void release_event(struct virt_message *message) {
  struct virt_event *event = (struct virt_event *)message;
  free(event->name);
  free(event->alias);
  free(event);
}

/* A copy of an event whose texts are lent, for the mailbox of the subscription; without memory it is lost. */
static void send(const struct virt_subscription *subscription, const struct virt_event *event) {
  struct virt_event *copy = malloc(sizeof *copy);
  if (!copy) return;
  *copy = *event;
  copy->message = (struct virt_message){.id = subscription->id, .kind = VIRT_EVENT, .release = release_event};
  copy->name = event->name ? strdup(event->name) : NULL;
  copy->alias = event->alias ? strdup(event->alias) : NULL;
  virt_mailbox_put(subscription->box, &copy->message);
}

/* To all that asked for it.  libvirt lends the domain, which is NULL for the connection's own event, for this call. */
static void tell(struct virt_conn *conn, enum virt_about about, virDomainPtr domain, struct virt_event *event) {
  unsigned char uuid[VIR_UUID_BUFLEN] = {0};
  if (domain) {
    event->name = (char *)virDomainGetName(domain);
    event->has_domain = virDomainGetUUID(domain, uuid) == 0 && virDomainGetUUIDString(domain, event->uuid) == 0;
  }
  virt_lock();
  if (about == VIRT_CLOSED) conn->lost = event->detail;
  for (const struct virt_subscription *at = conn->subscriptions; at; at = at->next) {
    if (!(at->about & about)) continue;
    if (!domain || !at->of_one || !memcmp(at->uuid, uuid, VIR_UUID_BUFLEN)) send(at, event);
  }
  virt_unlock();
}

#define WORD(words, number)                                                                                            \
  ((size_t)(number) < sizeof(words) / sizeof *(words) && (number) >= 0 ? (words)[number] : "unknown")

static void on_tray(virConnectPtr handle, virDomainPtr domain, const char *alias, int change, void *conn) {
  static const char *const words[] = {"opened", "closed"};
  struct virt_event event = {.event = "tray", .change = WORD(words, change), .alias = (char *)alias, .detail = -1};
  (void)handle;
  tell(conn, VIRT_TRAY, domain, &event);
}

static void on_added(virConnectPtr handle, virDomainPtr domain, const char *alias, void *conn) {
  struct virt_event event = {.event = "added", .alias = (char *)alias, .detail = -1};
  (void)handle;
  tell(conn, VIRT_ADDED, domain, &event);
}

static void on_removed(virConnectPtr handle, virDomainPtr domain, const char *alias, void *conn) {
  struct virt_event event = {.event = "removed", .alias = (char *)alias, .detail = -1};
  (void)handle;
  tell(conn, VIRT_REMOVED, domain, &event);
}

static void on_removal_failed(virConnectPtr handle, virDomainPtr domain, const char *alias, void *conn) {
  struct virt_event event = {.event = "removal_failed", .alias = (char *)alias, .detail = -1};
  (void)handle;
  tell(conn, VIRT_REMOVAL_FAILED, domain, &event);
}

static int on_lifecycle(virConnectPtr handle, virDomainPtr domain, int change, int detail, void *conn) {
  static const char *const words[] = {"defined", "undefined", "started",     "suspended", "resumed",
                                      "stopped", "shutdown",  "pmsuspended", "crashed"};
  struct virt_event event = {.event = "lifecycle", .change = WORD(words, change), .detail = detail};
  (void)handle;
  tell(conn, VIRT_LIFECYCLE, domain, &event);
  return 0;
}

static struct virt_event end_of_connection(int reason) {
  static const char *const words[] = {"error", "eof", "keepalive", "client"};
  return (struct virt_event){.event = "closed", .reason = WORD(words, reason), .detail = reason};
}

static void on_close(virConnectPtr handle, int reason, void *conn) {
  struct virt_event event = end_of_connection(reason);
  (void)handle;
  tell(conn, VIRT_CLOSED, NULL, &event);
}

static const struct {
  enum virt_about about;
  int id;
  virConnectDomainEventGenericCallback callback;
} domain_events[VIRT_DOMAIN_EVENTS] = {
    {VIRT_TRAY, VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_tray)},
    {VIRT_ADDED, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_added)},
    {VIRT_REMOVED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_removed)},
    {VIRT_REMOVAL_FAILED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_removal_failed)},
    {VIRT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
};

static void unref_conn(void *conn) { virt_conn_unref(conn); }

/* libvirt takes a callback once per connection and event; it stays until the connection is closed. */
static bool register_events(struct virt_conn *conn, unsigned about) {
  for (int i = 0; i < VIRT_DOMAIN_EVENTS; i++) {
    if (conn->registered[i] || !(about & domain_events[i].about)) continue;
    int number = virConnectDomainEventRegisterAny(conn->handle, NULL, domain_events[i].id, domain_events[i].callback,
                                                  virt_conn_ref(conn), unref_conn);
    if (number < 0) {
      virt_conn_unref(conn);
      return false;
    }
    conn->registered[i] = number + 1;
  }
  return true;
}

bool virt_events_listen(struct virt_conn *conn, struct virt_subscription *subscription, struct virt_error *error) {
  if (!conn->has_loop) {
    virt_error_make(error, VIR_ERR_NO_SUPPORT, "%s", "no event loop of libvirt runs in this program");
    return false;
  }
  if (!register_events(conn, subscription->about)) {
    virt_error_last(error);
    return false;
  }
  virt_lock();
  struct virt_subscription **end = &conn->subscriptions;
  while (*end) end = &(*end)->next;
  *end = subscription;
  subscription->refs++;
  struct virt_event closed = end_of_connection(conn->lost);
  if (conn->lost >= 0 && subscription->about & VIRT_CLOSED) send(subscription, &closed); /* late, but told */
  virt_unlock();
  return true;
}

void virt_events_unlisten(struct virt_conn *conn, const struct virt_mailbox *box, long long id) {
  virt_lock();
  struct virt_subscription **at = &conn->subscriptions;
  while (*at && ((*at)->box != box || (*at)->id != id)) at = &(*at)->next;
  struct virt_subscription *found = *at;
  if (found) *at = found->next;
  virt_unlock();
  virt_subscription_unref(found);
}

/* --- connections -------------------------------------------------------------------------------------- */

void virt_events_watch(struct virt_conn *conn) {
  conn->has_loop = true;
  virConnectSetKeepAlive(conn->handle, 5, 3);
  /* Without a reference: drivers that cannot, say that they do, and would never give it back.  It is not needed, since
   * a connection lives until this is undone, and libvirt waits for a callback that runs just then. */
  conn->watched = virConnectRegisterCloseCallback(conn->handle, on_close, conn, NULL) == 0;
}

void virt_events_end(struct virt_conn *conn) {
  for (int i = 0; i < VIRT_DOMAIN_EVENTS; i++) {
    if (conn->registered[i]) virConnectDomainEventDeregisterAny(conn->handle, conn->registered[i] - 1);
    conn->registered[i] = 0;
  }
  if (conn->watched) virConnectUnregisterCloseCallback(conn->handle, on_close);
  conn->watched = false;
  virt_lock();
  struct virt_subscription *left = conn->subscriptions;
  conn->subscriptions = NULL;
  virt_unlock();
  while (left) {
    struct virt_subscription *subscription = left;
    left = subscription->next;
    virt_subscription_unref(subscription);
  }
}

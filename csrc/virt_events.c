/*
 * virt_events.c - one thread runs libvirt's event loop for the whole process; what libvirt calls back there becomes
 * messages in mailboxes.  A subscription lives as long as libvirt may still call back with it.  Knows no Lua, and
 * nothing of who reads the mailboxes.
 */
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "virt_events.h"

enum { DOMAIN_EVENTS = 6 };

struct virt_subscription {
  atomic_int refs;
  struct virt_mailbox *box;
  long long id;
  unsigned about;
  int registered[DOMAIN_EVENTS];  /* libvirt's number, or -1 */
  struct virt_subscription *next; /* of the same connection */
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

struct virt_subscription *virt_subscription_new(struct virt_mailbox *box, long long id, unsigned about) {
  struct virt_subscription *subscription = calloc(1, sizeof *subscription);
  if (!subscription) return NULL;
  subscription->refs = 1;
  subscription->box = virt_mailbox_ref(box);
  subscription->id = id;
  subscription->about = about;
  for (int i = 0; i < DOMAIN_EVENTS; i++) subscription->registered[i] = -1;
  return subscription;
}

void virt_subscription_unref(struct virt_subscription *subscription) {
  if (!subscription || --subscription->refs > 0) return;
  virt_mailbox_unref(subscription->box);
  free(subscription);
}

static void unref(void *subscription) { virt_subscription_unref(subscription); }

static void release_event(struct virt_message *message) {
  struct virt_event *event = (struct virt_event *)message;
  free(event->name);
  free(event->alias);
  free(event);
}

/* NULL without memory: the event is lost then. */
static struct virt_event *new_event(const struct virt_subscription *subscription, const char *word) {
  struct virt_event *event = calloc(1, sizeof *event);
  if (!event) return NULL;
  event->message.kind = VIRT_EVENT;
  event->message.id = subscription->id;
  event->message.release = release_event;
  event->event = word;
  event->detail = -1;
  return event;
}

/* An event of a domain, which libvirt lends only for the time of the call. */
static struct virt_event *domain_event(const struct virt_subscription *subscription, const char *word,
                                       virDomainPtr domain, const char *alias) {
  struct virt_event *event = new_event(subscription, word);
  if (!event) return NULL;
  const char *name = virDomainGetName(domain);
  event->has_domain = virDomainGetUUIDString(domain, event->uuid) == 0;
  event->name = name ? strdup(name) : NULL;
  event->alias = alias ? strdup(alias) : NULL;
  return event;
}

static void send(const struct virt_subscription *subscription, struct virt_event *event) {
  if (event) virt_mailbox_put(subscription->box, &event->message);
}

#define WORD(words, number)                                                                                            \
  ((size_t)(number) < sizeof(words) / sizeof *(words) && (number) >= 0 ? (words)[number] : "unknown")

static void on_tray(virConnectPtr conn, virDomainPtr domain, const char *alias, int change, void *data) {
  static const char *const words[] = {"opened", "closed"};
  struct virt_event *event = domain_event(data, "tray", domain, alias);
  (void)conn;
  if (event) event->change = WORD(words, change);
  send(data, event);
}

static void on_added(virConnectPtr conn, virDomainPtr domain, const char *alias, void *data) {
  (void)conn;
  send(data, domain_event(data, "added", domain, alias));
}

static void on_removed(virConnectPtr conn, virDomainPtr domain, const char *alias, void *data) {
  (void)conn;
  send(data, domain_event(data, "removed", domain, alias));
}

static void on_removal_failed(virConnectPtr conn, virDomainPtr domain, const char *alias, void *data) {
  (void)conn;
  send(data, domain_event(data, "removal_failed", domain, alias));
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int change, int detail, void *data) {
  static const char *const words[] = {"defined", "undefined", "started",     "suspended", "resumed",
                                      "stopped", "shutdown",  "pmsuspended", "crashed"};
  struct virt_event *event = domain_event(data, "lifecycle", domain, NULL);
  (void)conn;
  if (event) {
    event->change = WORD(words, change);
    event->detail = detail;
  }
  send(data, event);
  return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr domain, void *data) {
  (void)conn;
  send(data, domain_event(data, "reboot", domain, NULL));
}

static const struct {
  enum virt_about about;
  int id;
  virConnectDomainEventGenericCallback callback;
} domain_events[DOMAIN_EVENTS] = {
    {VIRT_TRAY, VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_tray)},
    {VIRT_ADDED, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_added)},
    {VIRT_REMOVED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_removed)},
    {VIRT_REMOVAL_FAILED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_removal_failed)},
    {VIRT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    {VIRT_REBOOT, VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
};

static void deregister(struct virt_conn *conn, struct virt_subscription *subscription) {
  for (int i = 0; i < DOMAIN_EVENTS; i++) {
    if (subscription->registered[i] >= 0) virConnectDomainEventDeregisterAny(conn->handle, subscription->registered[i]);
    subscription->registered[i] = -1;
  }
}

static void say_closed(const struct virt_subscription *subscription, int reason) {
  static const char *const words[] = {"error", "eof", "keepalive", "client"};
  struct virt_event *event = new_event(subscription, "closed");
  if (event) event->reason = WORD(words, reason);
  send(subscription, event);
}

static void link_subscription(struct virt_conn *conn, struct virt_subscription *subscription) {
  virt_lock();
  subscription->refs++;
  subscription->next = conn->subscriptions;
  conn->subscriptions = subscription;
  /* Whoever asks too late is told at once. */
  if (conn->lost >= 0 && subscription->about & VIRT_CLOSED) say_closed(subscription, conn->lost);
  virt_unlock();
}

bool virt_events_listen(struct virt_conn *conn, virDomainPtr domain, struct virt_subscription *subscription,
                        struct virt_error *error) {
  if (!conn->has_loop) {
    virt_error_make(error, VIR_ERR_NO_SUPPORT, "%s", "no event loop of libvirt runs in this program");
    return false;
  }
  for (int i = 0; i < DOMAIN_EVENTS; i++) {
    if (!(subscription->about & domain_events[i].about)) continue;
    subscription->refs++;
    subscription->registered[i] = virConnectDomainEventRegisterAny(conn->handle, domain, domain_events[i].id,
                                                                   domain_events[i].callback, subscription, unref);
    if (subscription->registered[i] >= 0) continue;
    virt_subscription_unref(subscription);
    virt_error_last(error);
    deregister(conn, subscription);
    return false;
  }
  link_subscription(conn, subscription);
  return true;
}

void virt_events_unlisten(struct virt_conn *conn, const struct virt_subscription *like) {
  virt_lock();
  struct virt_subscription **at = &conn->subscriptions;
  while (*at && ((*at)->box != like->box || (*at)->id != like->id)) at = &(*at)->next;
  struct virt_subscription *found = *at;
  if (found) *at = found->next;
  virt_unlock();
  if (!found) return;
  deregister(conn, found);
  virt_subscription_unref(found);
}

/* --- connections -------------------------------------------------------------------------------------- */

static void on_close(virConnectPtr handle, int reason, void *data) {
  struct virt_conn *conn = data;
  (void)handle;
  virt_lock();
  conn->lost = reason;
  for (const struct virt_subscription *at = conn->subscriptions; at; at = at->next)
    if (at->about & VIRT_CLOSED) say_closed(at, reason);
  virt_unlock();
}

static void unref_conn(void *conn) { virt_conn_unref(conn); }

void virt_events_watch(struct virt_conn *conn) {
  conn->has_loop = true;
  virConnectSetKeepAlive(conn->handle, 5, 3);
  virt_conn_ref(conn);
  conn->watched = virConnectRegisterCloseCallback(conn->handle, on_close, conn, unref_conn) == 0;
  if (!conn->watched) virt_conn_unref(conn);
}

void virt_events_end(struct virt_conn *conn) {
  virt_lock();
  struct virt_subscription *left = conn->subscriptions;
  conn->subscriptions = NULL;
  virt_unlock();
  while (left) {
    struct virt_subscription *subscription = left;
    left = subscription->next;
    deregister(conn, subscription);
    virt_subscription_unref(subscription);
  }
  if (conn->watched) virConnectUnregisterCloseCallback(conn->handle, on_close);
  conn->watched = false;
}

/*
 * virt_events.h - libvirt's event loop on a thread of its own, and its events as messages.
 */
#ifndef VLUN_VIRT_EVENTS_H
#define VLUN_VIRT_EVENTS_H

#include "virt_jobs.h"

/* What a subscription is about, as bits. */
enum virt_about {
  VIRT_TRAY = 1,
  VIRT_ADDED = 2,
  VIRT_REMOVED = 4,
  VIRT_REMOVAL_FAILED = 8,
  VIRT_LIFECYCLE = 16,
  VIRT_CLOSED = 32,
};

struct virt_event {
  struct virt_message message;
  const char *event;
  const char *change; /* of the tray or the life; NULL elsewhere */
  const char *reason; /* of the connection's end; NULL elsewhere */
  int detail;         /* of the life and the connection's end; -1 elsewhere */
  bool has_domain;
  char uuid[VIR_UUID_STRING_BUFLEN];
  char *name, *alias; /* NULL where there is none */
};

/* A loop is there from now on, the host program's or, if wanted, our own.  False: there is none. */
bool virt_events_start(bool own);
/* What a new connection needs to notice its end.  Drivers that cannot, do without. */
void virt_events_watch(struct virt_conn *conn);

/* Events about these bits, of one domain or, if that is NULL, of all, will be messages of that id.  NULL without
 * memory. */
struct virt_subscription *virt_subscription_new(struct virt_mailbox *box, long long id, unsigned about,
                                                const struct virt_domain *domain);
void virt_subscription_unref(struct virt_subscription *subscription);

/* On one worker at a time: begins it.  False, with the error, if there can be no events. */
bool virt_events_listen(struct virt_conn *conn, struct virt_subscription *subscription, struct virt_error *error);
/* Ends it at once, on any thread. */
void virt_events_unlisten(struct virt_conn *conn, const struct virt_mailbox *box, long long id);
/* On a worker: ends all that a connection has of this file. */
void virt_events_end(struct virt_conn *conn);

#endif

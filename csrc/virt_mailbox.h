/*
 * virt_mailbox.h - what other threads have to say to a Lua state, and one descriptor that tells when.
 */
#ifndef VLUN_VIRT_MAILBOX_H
#define VLUN_VIRT_MAILBOX_H

#include <stdbool.h>

enum virt_kind { VIRT_ANSWER, VIRT_EVENT, VIRT_QUESTION };

/* The head of every message; what follows it is its kind's business. */
struct virt_message {
  struct virt_message *next;
  long long id; /* of the job or subscription */
  enum virt_kind kind;
  void (*release)(struct virt_message *message); /* on any thread, and never blocking */
};

struct virt_mailbox;

/* One reference; NULL without memory or descriptors. */
struct virt_mailbox *virt_mailbox_new(void);
struct virt_mailbox *virt_mailbox_ref(struct virt_mailbox *box);
void virt_mailbox_unref(struct virt_mailbox *box);
/* Drops what waits; what is put later is dropped too. */
void virt_mailbox_close(struct virt_mailbox *box);

/* Readable while messages wait or the alarm's time has come.  Never read from it. */
int virt_mailbox_fd(struct virt_mailbox *box);
/* A number that no message of this box has had. */
long long virt_mailbox_new_id(struct virt_mailbox *box);
/* Takes the message over.  From any thread. */
void virt_mailbox_put(struct virt_mailbox *box, struct virt_message *message);
/* The oldest message, or the oldest of that id if it is not 0, waiting for it so many seconds; NULL if none came. */
struct virt_message *virt_mailbox_take(struct virt_mailbox *box, long long id, double seconds);
/* Drops the messages of that id. */
void virt_mailbox_forget(struct virt_mailbox *box, long long id);
/* How many messages wait. */
int virt_mailbox_count(struct virt_mailbox *box);
/* The descriptor becomes readable at that time of virt_now too; negative: it does not. */
void virt_mailbox_alarm(struct virt_mailbox *box, double when);

/* Seconds of a clock that never goes back. */
double virt_now(void);

#endif

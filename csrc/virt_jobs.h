/*
 * virt_jobs.h - libvirt calls as jobs on worker threads: connections, domains, and what each may have in flight.
 */
#ifndef VLUN_VIRT_JOBS_H
#define VLUN_VIRT_JOBS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <libvirt/libvirt.h>

#include "virt_error.h"
#include "virt_mailbox.h"
#include "virt_pool.h"

enum { VIRT_DOMAIN_EVENTS = 6 }; /* kinds of them */

#define VIRT_IN_FLIGHT 5 /* a daemon reads no more requests of one connection at a time (facts 11) */

struct virt_job;
struct virt_subscription;

/* One libvirt call: virt_calls.c has the table of them. */
struct virt_call {
  const char *name;
  enum { VIRT_ON_CONNECTION, VIRT_ON_CONNECTION_ALONE, VIRT_ON_DOMAIN } on;
  int texts;                          /* how many arguments it must have */
  bool (*work)(struct virt_job *job); /* on a worker; false: the job's error says why, or libvirt's last one */
};

enum virt_answer {
  VIRT_NOTHING, /* true, to Lua */
  VIRT_NUMBER,  /* number */
  VIRT_WORD,    /* word */
  VIRT_TEXT,    /* text */
  VIRT_DOMAIN,  /* domains[0] */
  VIRT_DOMAINS, /* domains, count */
  VIRT_VOLUME,  /* text, word, number, allocation */
  VIRT_LOOK     /* word: the state; number: bits of the next; text and live: the documents, NULL where there is none */
};

enum { VIRT_IS_ACTIVE = 1, VIRT_IS_PERSISTENT = 2, VIRT_IS_SAVED = 4 };

/* A call with its arguments, and then its own answer. */
struct virt_job {
  struct virt_message message;
  struct virt_task task;
  struct virt_job *next;
  const struct virt_call *call;
  struct virt_mailbox *mailbox; /* NULL: nobody waits */
  struct virt_conn *conn;
  struct virt_domain *domain; /* NULL: about the connection */

  char *arguments[2];
  unsigned flags;
  void *more; /* what only some calls need, and how it is released */
  void (*release_more)(void *more);

  bool failed;
  bool unanswered; /* libvirt wanted credentials that nobody told */
  struct virt_error error;
  enum virt_answer answer;
  const char *word;
  char *text, *live;
  long long number, allocation;
  struct virt_domain **domains; /* room for count, NULL once somebody has taken one */
  size_t count;
};

/* A connection.  Whoever holds a reference holds memory only: virt_conn_close ends what it stands for. */
struct virt_conn {
  atomic_int refs;
  virConnectPtr handle; /* NULL before the job "open" and after "close" */
  struct virt_job *first, **end, *running[VIRT_IN_FLIGHT];
  int in_flight, most_in_flight;
  struct virt_domain *domains;
  struct virt_subscription *subscriptions;
  struct virt_job *close; /* made beforehand, so that closing needs no memory */
  const char *stuck;      /* the call that was given up; no other begins from then on */
  bool closing;
  int registered[VIRT_DOMAIN_EVENTS]; /* libvirt's numbers, and 1; 0 is none */
  bool has_loop;                      /* there are events */
  bool watched;                       /* libvirt tells when it is lost */
  int lost;                           /* the reason, or -1 */
};

struct virt_domain {
  atomic_int refs;
  struct virt_conn *conn;
  virDomainPtr handle; /* NULL once the connection is closed */
  struct virt_domain *next, **at;
  char *name;
  unsigned char uuid[VIR_UUID_BUFLEN];
};

/* Guards connections, their queues and their lists; never held while libvirt is called, but for freeing memory. */
void virt_lock(void);
void virt_unlock(void);

/* How many calls of one connection libvirt's client may have in flight: VIRT_IN_FLIGHT, or 1. */
int virt_most_in_flight(void);

/* One reference; NULL without memory.  `close` is the call that ends it. */
struct virt_conn *virt_conn_new(const struct virt_call *close);
struct virt_conn *virt_conn_ref(struct virt_conn *conn);
void virt_conn_unref(struct virt_conn *conn);
/* Closes it when its jobs are done; the box, if not NULL, gets an answer of that id then.  False if there will be none:
 * it was closed before, or is given up. */
bool virt_conn_close(struct virt_conn *conn, struct virt_mailbox *box, long long id);
/* For the call "close": frees all domains and gives the handle, which nobody uses any more. */
virConnectPtr virt_conn_strip(struct virt_conn *conn);

/* Takes the handle over; NULL, and the handle is freed, without memory. */
struct virt_domain *virt_domain_new(struct virt_conn *conn, virDomainPtr handle);
struct virt_domain *virt_domain_ref(struct virt_domain *domain);
void virt_domain_unref(struct virt_domain *domain);

/* A job of the connection or the domain, the other one being NULL; NULL without memory. */
struct virt_job *virt_job_new(const struct virt_call *call, struct virt_conn *conn, struct virt_domain *domain);
void virt_job_release(struct virt_job *job);
/* Takes the job over.  The box, if not NULL, gets its answer of that id.  False, the job released: it is closed. */
bool virt_job_submit(struct virt_job *job, struct virt_mailbox *box, long long id);
/* A message about a job that runs, to the box that waits for its answer; dropped if none does any more.
 * Its release is called under the lock. */
void virt_job_tell(struct virt_job *job, struct virt_message *message);
/* Gives the job of that box and id up: its answer will be thrown away, and if it had begun, its connection begins no
 * other.  False if there is no such job any more. */
bool virt_job_abandon(struct virt_conn *conn, struct virt_mailbox *box, long long id, bool *had_begun);

#endif

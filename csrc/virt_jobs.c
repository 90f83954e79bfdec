/*
 * virt_jobs.c - which job may begin when: at most VIRT_IN_FLIGHT of one connection and one of one domain, the others
 * in order; closing after all of them.  It also owns connections and domains, so that the last reference to what
 * libvirt has behind them is always dropped by a worker.  Knows no Lua, and of the calls only that they may never
 * return.
 */
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "virt_jobs.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void virt_lock(void) { pthread_mutex_lock(&lock); }
void virt_unlock(void) { pthread_mutex_unlock(&lock); }

/* --- domains ------------------------------------------------------------------------------------------ */

struct virt_domain *virt_domain_new(struct virt_conn *conn, virDomainPtr handle) {
  const char *name = virDomainGetName(handle);
  struct virt_domain *domain = calloc(1, sizeof *domain);
  if (domain) domain->name = strdup(name ? name : "");
  if (!domain || !domain->name || virDomainGetUUID(handle, domain->uuid) < 0) {
    if (domain) free(domain->name);
    free(domain);
    virDomainFree(handle);
    return NULL;
  }
  domain->handle = handle;
  domain->refs = 1;
  domain->conn = virt_conn_ref(conn);
  virt_lock();
  domain->next = conn->domains;
  domain->at = &conn->domains;
  if (domain->next) domain->next->at = &domain->next;
  conn->domains = domain;
  virt_unlock();
  return domain;
}

struct virt_domain *virt_domain_ref(struct virt_domain *domain) {
  domain->refs++;
  return domain;
}

/* Under the lock.  The connection is still open, so that nothing but memory is freed. */
static void forget_domain(struct virt_domain *domain) {
  if (!domain->handle) return;
  virDomainFree(domain->handle);
  domain->handle = NULL;
  *domain->at = domain->next;
  if (domain->next) domain->next->at = domain->at;
}

void virt_domain_unref(struct virt_domain *domain) {
  if (!domain || --domain->refs > 0) return;
  virt_lock();
  forget_domain(domain);
  virt_unlock();
  virt_conn_unref(domain->conn);
  free(domain->name);
  free(domain);
}

/* --- jobs --------------------------------------------------------------------------------------------- */

static void run_job(struct virt_task *task);

static void release_message(struct virt_message *message) { virt_job_release((struct virt_job *)message); }

struct virt_job *virt_job_new(const struct virt_call *call, struct virt_conn *conn, struct virt_domain *domain) {
  struct virt_job *job = calloc(1, sizeof *job);
  if (!job) return NULL;
  job->message.kind = VIRT_ANSWER;
  job->message.release = release_message;
  job->task.run = run_job;
  job->call = call;
  job->conn = virt_conn_ref(domain ? domain->conn : conn);
  if (domain) job->domain = virt_domain_ref(domain);
  return job;
}

void virt_job_release(struct virt_job *job) {
  for (size_t i = 0; i < job->count; i++) virt_domain_unref(job->domains[i]);
  free(job->domains);
  free(job->text);
  free(job->live);
  free(job->arguments[0]);
  free(job->arguments[1]);
  if (job->release_more) job->release_more(job->more);
  virt_domain_unref(job->domain);
  if (job->mailbox) virt_mailbox_unref(job->mailbox);
  virt_conn_unref(job->conn);
  free(job);
}

/* To whom it may concern. */
static void deliver(struct virt_job *job) {
  struct virt_mailbox *box = job->mailbox;
  job->mailbox = NULL;
  if (!box) {
    virt_job_release(job);
    return;
  }
  virt_mailbox_put(box, &job->message);
  virt_mailbox_unref(box);
}

static void fail(struct virt_job *job, int code, const char *message, const char *what) {
  job->failed = true;
  virt_error_make(&job->error, code, message, what);
}

static bool may_begin(const struct virt_conn *conn, const struct virt_job *job) {
  if (job == conn->close) return conn->in_flight == 0;
  for (int i = 0; i < VIRT_IN_FLIGHT; i++) {
    const struct virt_job *other = conn->running[i];
    if (!other) continue;
    if (other->call == job->call && job->call->on == VIRT_ON_CONNECTION_ALONE) return false;
    bool both = other->domain && job->domain;
    if (both && !memcmp(other->domain->uuid, job->domain->uuid, VIR_UUID_BUFLEN)) return false;
  }
  return true;
}

/* Under the lock. */
static struct virt_job *unlink_job(struct virt_conn *conn, struct virt_job **at) {
  struct virt_job *job = *at;
  *at = job->next;
  if (!*at) conn->end = at;
  return job;
}

/* libvirt's client before 10.3.0 writes to the stack of another thread where several calls of one connection wait for
 * their answers (CVE-2024-4418). */
int virt_most_in_flight(void) {
  unsigned long version;
  return virGetVersion(&version, NULL, NULL) == 0 && version >= 10003000 ? VIRT_IN_FLIGHT : 1;
}

/* Under the lock: what may begin now, as a list; it has its places already. */
static struct virt_job *schedule(struct virt_conn *conn) {
  struct virt_job *ready = NULL, **end = &ready;
  for (struct virt_job **at = &conn->first; *at && conn->in_flight < conn->most_in_flight;) {
    if (!may_begin(conn, *at)) {
      at = &(*at)->next;
      continue;
    }
    struct virt_job *job = unlink_job(conn, at);
    int slot = 0;
    while (conn->running[slot]) slot++;
    conn->running[slot] = job;
    conn->in_flight++;
    job->next = NULL;
    *end = job;
    end = &job->next;
  }
  return ready;
}

static void finish(struct virt_job *job);

static void launch(struct virt_job *ready) {
  while (ready) {
    struct virt_job *job = ready;
    ready = job->next;
    if (virt_pool_run(&job->task)) continue;
    fail(job, VIR_ERR_NO_MEMORY, "there is no thread for the call %s", job->call->name);
    finish(job);
  }
}

/* The job has its answer: gives its place to others. */
static void finish(struct virt_job *job) {
  struct virt_conn *conn = job->conn;
  virt_lock();
  for (int i = 0; i < VIRT_IN_FLIGHT; i++)
    if (conn->running[i] == job) conn->running[i] = NULL;
  conn->in_flight--;
  struct virt_job *ready = schedule(conn);
  virt_unlock();
  deliver(job);
  launch(ready);
}

static void run_job(struct virt_task *task) {
  struct virt_job *job = (struct virt_job *)((char *)task - offsetof(struct virt_job, task));
  if (!job->call->work(job) && !job->failed) {
    job->failed = true;
    virt_error_last(&job->error);
  }
  finish(job);
}

/* Under the lock. */
static struct virt_job *enqueue(struct virt_conn *conn, struct virt_job *job) {
  job->next = NULL;
  *conn->end = job;
  conn->end = &job->next;
  return schedule(conn);
}

static void fail_stuck(struct virt_job *job) {
  fail(job, VIR_ERR_NO_CONNECT, "the connection is given up: the call %s was not answered in time", job->conn->stuck);
  deliver(job);
}

bool virt_job_submit(struct virt_job *job, struct virt_mailbox *box, long long id) {
  struct virt_conn *conn = job->conn;
  job->message.id = id;
  if (box) job->mailbox = virt_mailbox_ref(box);
  virt_lock();
  bool closing = conn->closing, stuck = conn->stuck;
  struct virt_job *ready = closing || stuck ? NULL : enqueue(conn, job);
  virt_unlock();
  launch(ready);
  if (closing) virt_job_release(job);
  else if (stuck) fail_stuck(job);
  return !closing;
}

void virt_job_tell(struct virt_job *job, struct virt_message *message) {
  virt_lock();
  bool heard = job->mailbox && !job->conn->closing;
  if (heard) virt_mailbox_put(job->mailbox, message);
  virt_unlock();
  if (!heard) message->release(message);
}

/* Under the lock: drops what a job that runs has told, which is a question that nobody will answer any more. */
static void forget_told(const struct virt_job *job) {
  if (job && job->mailbox) virt_mailbox_forget(job->mailbox, job->message.id);
}

/* --- giving up ---------------------------------------------------------------------------------------- */

/* Under the lock: where the job is, among those that wait or those that run. */
static struct virt_job **find(struct virt_conn *conn, const struct virt_mailbox *box, long long id, bool *running) {
  *running = false;
  for (struct virt_job **at = &conn->first; *at; at = &(*at)->next)
    if ((*at)->mailbox == box && (*at)->message.id == id) return at;
  *running = true;
  for (int i = 0; i < VIRT_IN_FLIGHT; i++) {
    struct virt_job *job = conn->running[i];
    if (job && job->mailbox == box && job->message.id == id) return &conn->running[i];
  }
  return NULL;
}

/* Under the lock: takes all that waits but "close" out of the queue. */
static struct virt_job *drain(struct virt_conn *conn) {
  struct virt_job *left = NULL, **end = &left;
  for (struct virt_job **at = &conn->first; *at;) {
    if (*at == conn->close) {
      at = &(*at)->next;
      continue;
    }
    *end = unlink_job(conn, at);
    end = &(*end)->next;
    *end = NULL;
  }
  return left;
}

bool virt_job_abandon(struct virt_conn *conn, struct virt_mailbox *box, long long id, bool *had_begun) {
  struct virt_job *waiting = NULL, *left = NULL;
  virt_lock();
  struct virt_job **at = find(conn, box, id, had_begun);
  if (at && *had_begun) {
    forget_told(*at);
    (*at)->mailbox = NULL;
    if (!conn->stuck) conn->stuck = (*at)->call->name;
    left = drain(conn);
  } else if (at && *at != conn->close) {
    waiting = unlink_job(conn, at);
  } else if (at) {
    (*at)->mailbox = NULL;
  }
  virt_unlock();
  if (at && !waiting) virt_mailbox_unref(box);
  if (waiting) virt_job_release(waiting);
  while (left) {
    struct virt_job *job = left;
    left = job->next;
    fail_stuck(job);
  }
  return at;
}

/* --- connections -------------------------------------------------------------------------------------- */

struct virt_conn *virt_conn_new(const struct virt_call *close) {
  struct virt_conn *conn = calloc(1, sizeof *conn);
  if (!conn) return NULL;
  conn->refs = 1;
  conn->lost = -1;
  conn->most_in_flight = virt_most_in_flight();
  conn->end = &conn->first;
  conn->close = virt_job_new(close, conn, NULL);
  if (conn->close) return conn;
  free(conn);
  return NULL;
}

struct virt_conn *virt_conn_ref(struct virt_conn *conn) {
  conn->refs++;
  return conn;
}

void virt_conn_unref(struct virt_conn *conn) {
  if (--conn->refs == 0) free(conn);
}

bool virt_conn_close(struct virt_conn *conn, struct virt_mailbox *box, long long id) {
  struct virt_job *ready = NULL;
  virt_lock();
  bool answers = box && !conn->closing && !conn->stuck;
  if (answers) {
    conn->close->mailbox = virt_mailbox_ref(box);
    conn->close->message.id = id;
  }
  if (!conn->closing) {
    conn->closing = true;
    for (int i = 0; i < VIRT_IN_FLIGHT; i++) forget_told(conn->running[i]);
    ready = enqueue(conn, conn->close);
  }
  virt_unlock();
  launch(ready);
  return answers;
}

virConnectPtr virt_conn_strip(struct virt_conn *conn) {
  virt_lock();
  while (conn->domains) forget_domain(conn->domains);
  virConnectPtr handle = conn->handle;
  conn->handle = NULL;
  virt_unlock();
  return handle;
}

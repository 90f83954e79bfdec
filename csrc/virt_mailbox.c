/*
 * virt_mailbox.c - a queue of messages for one Lua state, filled by any thread and emptied by that state's.  It
 * outlives the state, so that a thread which is late still has where to put its answer.  The descriptor is a timer:
 * it is due at once while messages wait, and else at the alarm's time.  Knows neither Lua nor libvirt nor what its
 * messages say.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "virt_mailbox.h"

struct virt_mailbox {
  pthread_mutex_t lock;
  pthread_cond_t arrival;
  struct virt_message *first, **end;
  long long last_id;
  double alarm;
  int count, refs, fd;
  bool closed, is_watched;
};

double virt_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct timespec moment(double seconds) {
  struct timespec at = {.tv_sec = (time_t)seconds};
  at.tv_nsec = (long)((seconds - (double)at.tv_sec) * 1e9);
  return at;
}

/* The descriptor as the queue and the alarm want it, once somebody has asked for it; all zero would stop the timer. */
static void ring(struct virt_mailbox *box) {
  struct itimerspec due = {.it_value = {0, 0}};
  if (!box->is_watched) return;
  if (box->first) due.it_value.tv_nsec = 1;
  else if (box->alarm >= 0) due.it_value = moment(box->alarm > 1 ? box->alarm : 1);
  if (box->fd >= 0) timerfd_settime(box->fd, TFD_TIMER_ABSTIME, &due, NULL);
}

static bool init_locks(struct virt_mailbox *box) {
  pthread_condattr_t monotonic;
  if (pthread_mutex_init(&box->lock, NULL) != 0) return false;
  bool good = pthread_condattr_init(&monotonic) == 0;
  if (good) {
    good = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 && !pthread_cond_init(&box->arrival, &monotonic);
    pthread_condattr_destroy(&monotonic);
  }
  if (!good) pthread_mutex_destroy(&box->lock);
  return good;
}

struct virt_mailbox *virt_mailbox_new(void) {
  struct virt_mailbox *box = calloc(1, sizeof *box);
  if (!box) return NULL;
  box->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (box->fd < 0 || !init_locks(box)) {
    if (box->fd >= 0) close(box->fd);
    free(box);
    return NULL;
  }
  box->end = &box->first;
  box->alarm = -1;
  box->refs = 1;
  return box;
}

struct virt_mailbox *virt_mailbox_ref(struct virt_mailbox *box) {
  pthread_mutex_lock(&box->lock);
  box->refs++;
  pthread_mutex_unlock(&box->lock);
  return box;
}

void virt_mailbox_unref(struct virt_mailbox *box) {
  pthread_mutex_lock(&box->lock);
  bool last = --box->refs == 0;
  pthread_mutex_unlock(&box->lock);
  if (!last) return;
  pthread_cond_destroy(&box->arrival);
  pthread_mutex_destroy(&box->lock);
  free(box);
}

static void release_all(struct virt_message *message) {
  while (message) {
    struct virt_message *next = message->next;
    message->release(message);
    message = next;
  }
}

void virt_mailbox_close(struct virt_mailbox *box) {
  pthread_mutex_lock(&box->lock);
  struct virt_message *left = box->first;
  box->first = NULL;
  box->end = &box->first;
  box->count = 0;
  box->closed = true;
  close(box->fd);
  box->fd = -1;
  pthread_mutex_unlock(&box->lock);
  release_all(left);
}

int virt_mailbox_fd(struct virt_mailbox *box) {
  pthread_mutex_lock(&box->lock);
  box->is_watched = true;
  ring(box);
  pthread_mutex_unlock(&box->lock);
  return box->fd;
}

long long virt_mailbox_new_id(struct virt_mailbox *box) { return ++box->last_id; }

int virt_mailbox_count(struct virt_mailbox *box) {
  pthread_mutex_lock(&box->lock);
  int count = box->count;
  pthread_mutex_unlock(&box->lock);
  return count;
}

void virt_mailbox_put(struct virt_mailbox *box, struct virt_message *message) {
  message->next = NULL;
  pthread_mutex_lock(&box->lock);
  bool closed = box->closed;
  if (!closed) {
    *box->end = message;
    box->end = &message->next;
    if (box->count++ == 0) ring(box);
    pthread_cond_broadcast(&box->arrival);
  }
  pthread_mutex_unlock(&box->lock);
  if (closed) message->release(message);
}

/* Takes the first message of that id out of the queue; any message if it is 0. */
static struct virt_message *pick(struct virt_mailbox *box, long long id) {
  for (struct virt_message **at = &box->first; *at; at = &(*at)->next) {
    struct virt_message *message = *at;
    if (id && message->id != id) continue;
    *at = message->next;
    if (!*at) box->end = at;
    if (--box->count == 0) ring(box);
    return message;
  }
  return NULL;
}

struct virt_message *virt_mailbox_take(struct virt_mailbox *box, long long id, double seconds) {
  struct timespec until = moment(virt_now() + seconds);
  pthread_mutex_lock(&box->lock);
  struct virt_message *message = pick(box, id);
  while (!message && seconds > 0) {
    if (pthread_cond_timedwait(&box->arrival, &box->lock, &until) == ETIMEDOUT) seconds = 0;
    message = pick(box, id);
  }
  pthread_mutex_unlock(&box->lock);
  return message;
}

void virt_mailbox_forget(struct virt_mailbox *box, long long id) {
  struct virt_message *left = NULL, *message;
  pthread_mutex_lock(&box->lock);
  while ((message = pick(box, id))) {
    message->next = left;
    left = message;
  }
  pthread_mutex_unlock(&box->lock);
  release_all(left);
}

void virt_mailbox_alarm(struct virt_mailbox *box, double when) {
  pthread_mutex_lock(&box->lock);
  box->alarm = when;
  if (!box->first) ring(box);
  pthread_mutex_unlock(&box->lock);
}

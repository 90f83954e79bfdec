/*
 * virt_pool.c - worker threads, made on demand, gone after some idle time, shared by all Lua states of the process
 * and never torn down.  A task that never returns keeps its thread; others get new ones.  Knows neither Lua nor
 * libvirt nor what its tasks do.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "virt_pool.h"

#define LINGER 10 /* seconds */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t more;
  struct virt_task *first, *last;
  int waiting, idle, threads;
  void (*prepare)(void);
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

/* The next task; NULL if none came for a while.  A clock that is set meanwhile only makes a thread go early or late. */
static struct virt_task *next_task(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += LINGER;
  pool.idle++;
  for (int status = 0; !pool.first && status != ETIMEDOUT;)
    status = pthread_cond_timedwait(&pool.more, &pool.lock, &until);
  pool.idle--;
  struct virt_task *task = pool.first;
  if (!task) return NULL;
  pool.first = task->next;
  pool.waiting--;
  return task;
}

static void *worker(void *unused) {
  struct virt_task *task;
  (void)unused;
  pthread_mutex_lock(&pool.lock);
  void (*prepare)(void) = pool.prepare;
  pthread_mutex_unlock(&pool.lock);
  if (prepare) prepare();
  pthread_mutex_lock(&pool.lock);
  while ((task = next_task())) {
    pthread_mutex_unlock(&pool.lock);
    task->run(task);
    pthread_mutex_lock(&pool.lock);
  }
  pool.threads--;
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

bool virt_thread_start(void *(*run)(void *), void *data) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
  bool good = pthread_create(&thread, NULL, run, data) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (good) pthread_detach(thread);
  return good;
}

bool virt_pool_run(struct virt_task *task) {
  pthread_mutex_lock(&pool.lock);
  if (pool.waiting >= pool.idle && virt_thread_start(worker, NULL)) pool.threads++;
  bool good = pool.threads > 0;
  if (good) {
    task->next = NULL;
    if (pool.first) pool.last->next = task;
    else pool.first = task;
    pool.last = task;
    pool.waiting++;
    pthread_cond_signal(&pool.more);
  }
  pthread_mutex_unlock(&pool.lock);
  return good;
}

void virt_pool_prepare(void (*prepare)(void)) {
  pthread_mutex_lock(&pool.lock);
  pool.prepare = prepare;
  pthread_mutex_unlock(&pool.lock);
}

/*
 * virt_pool.h - threads of the process for work that may block.
 */
#ifndef VLUN_VIRT_POOL_H
#define VLUN_VIRT_POOL_H

#include <pthread.h>
#include <stdbool.h>

/* Embedded in what is to be done; the pool forgets it before it runs it. */
struct virt_task {
  struct virt_task *next;
  void (*run)(struct virt_task *task);
};

/* Runs the task on a thread as soon as one is free or made.  False, and nothing will happen, if there is none and
 * none can be made. */
bool virt_pool_run(struct virt_task *task);
/* Each worker calls it first, once.  Threads that run already do not. */
void virt_pool_prepare(void (*prepare)(void));
/* A detached thread that no signal can hit.  False if there can be none. */
bool virt_thread_start(void *(*run)(void *), void *data);

#endif

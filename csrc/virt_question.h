/*
 * virt_question.h - credentials that libvirt wants before it opens a connection: asked on a worker, told by the Lua
 * state.
 */
#ifndef VLUN_VIRT_QUESTION_H
#define VLUN_VIRT_QUESTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <libvirt/libvirt.h>

#include "virt_mailbox.h"

struct virt_prompt {
  const char *type; /* "authname" */
  bool secret;      /* what is typed must not be shown */
  char *prompt, *challenge, *standard;
  char *answer; /* NULL until there is one */
  size_t length;
};

/* The worker and whoever has the message hold it, a reference each. */
struct virt_question {
  struct virt_message message;
  atomic_int refs;
  pthread_mutex_t lock;
  pthread_cond_t end;
  bool ended;
  size_t count;
  struct virt_prompt prompts[];
};

/* The kinds of credentials that can be asked for, as libvirt wants to know them. */
int *virt_question_types(unsigned *count);

/* Two references, the worker's and the message's; NULL without memory. */
struct virt_question *virt_question_new(const virConnectCredential *credentials, unsigned count, long long id);
void virt_question_unref(struct virt_question *question);
/* Waits for the end, however long that takes, and gives libvirt all answers; false if there are not all. */
bool virt_question_wait(struct virt_question *question, virConnectCredentialPtr credentials);

/* Keeps a copy of the answer to the prompt of that index; false without memory. */
bool virt_question_answer(struct virt_question *question, size_t index, const char *answer, size_t length);
/* Wakes the worker: all is answered, or nobody will. */
void virt_question_end(struct virt_question *question);

#endif

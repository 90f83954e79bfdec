/*
 * virt_question.c - one question on its way from a worker to a Lua state and back.  Whoever drops it unanswered ends
 * it, so that no worker waits for a state that has closed or a call that was given up.  Answers are passwords: each
 * has one copy here, which libvirt takes over, or else it is wiped.  Knows no Lua.
 */
#include <stdlib.h>
#include <string.h>

#include "virt_question.h"

static const char *const words[] = {"authname", "passphrase", "echoprompt", "noechoprompt", "realm"};
static int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE, VIR_CRED_ECHOPROMPT, VIR_CRED_NOECHOPROMPT,
                      VIR_CRED_REALM};
enum { TYPES = sizeof types / sizeof *types };

int *virt_question_types(unsigned *count) {
  *count = TYPES;
  return types;
}

static const char *word_of(int type) {
  for (size_t i = 0; i < TYPES; i++)
    if (types[i] == type) return words[i];
  return "unknown";
}

/* Whoever has the message has not answered. */
static void release_message(struct virt_message *message) {
  struct virt_question *question = (struct virt_question *)message;
  virt_question_end(question);
  virt_question_unref(question);
}

static bool copy(char **to, const char *text) {
  *to = text ? strdup(text) : NULL;
  return *to || !text;
}

static bool fill(struct virt_prompt *prompt, const virConnectCredential *credential) {
  prompt->type = word_of(credential->type);
  prompt->secret = credential->type == VIR_CRED_PASSPHRASE || credential->type == VIR_CRED_NOECHOPROMPT;
  bool good = copy(&prompt->prompt, credential->prompt);
  good = copy(&prompt->challenge, credential->challenge) && good;
  return copy(&prompt->standard, credential->defresult) && good;
}

struct virt_question *virt_question_new(const virConnectCredential *credentials, unsigned count, long long id) {
  struct virt_question *question = calloc(1, sizeof *question + count * sizeof question->prompts[0]);
  if (!question) return NULL;
  question->message = (struct virt_message){.id = id, .kind = VIRT_QUESTION, .release = release_message};
  question->refs = 2;
  question->count = count;
  pthread_mutex_init(&question->lock, NULL);
  pthread_cond_init(&question->end, NULL);
  bool good = true;
  for (unsigned i = 0; i < count; i++) good = fill(&question->prompts[i], &credentials[i]) && good;
  if (good) return question;
  virt_question_unref(question);
  virt_question_unref(question);
  return NULL;
}

static void release_prompt(struct virt_prompt *prompt) {
  if (prompt->answer) explicit_bzero(prompt->answer, prompt->length);
  free(prompt->answer);
  free(prompt->prompt);
  free(prompt->challenge);
  free(prompt->standard);
}

void virt_question_unref(struct virt_question *question) {
  if (--question->refs > 0) return;
  for (size_t i = 0; i < question->count; i++) release_prompt(&question->prompts[i]);
  pthread_cond_destroy(&question->end);
  pthread_mutex_destroy(&question->lock);
  free(question);
}

bool virt_question_wait(struct virt_question *question, virConnectCredentialPtr credentials) {
  pthread_mutex_lock(&question->lock);
  while (!question->ended) pthread_cond_wait(&question->end, &question->lock);
  pthread_mutex_unlock(&question->lock);
  for (size_t i = 0; i < question->count; i++)
    if (!question->prompts[i].answer) return false;
  for (size_t i = 0; i < question->count; i++) {
    credentials[i].result = question->prompts[i].answer;
    credentials[i].resultlen = (unsigned)question->prompts[i].length;
    question->prompts[i].answer = NULL;
  }
  return true;
}

bool virt_question_answer(struct virt_question *question, size_t index, const char *answer, size_t length) {
  struct virt_prompt *prompt = &question->prompts[index];
  if (prompt->answer || !(prompt->answer = malloc(length + 1))) return false;
  memcpy(prompt->answer, answer, length);
  prompt->answer[length] = '\0';
  prompt->length = length;
  return true;
}

void virt_question_end(struct virt_question *question) {
  pthread_mutex_lock(&question->lock);
  question->ended = true;
  pthread_cond_signal(&question->end);
  pthread_mutex_unlock(&question->lock);
}

/*
 * virt_signals.c - signals that would end the program.  A process has one set of handlers, so that what is counted here
 * is counted for all of it; who counts is the program, never a library that it uses.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "virt_signals.h"

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
enum { HELD = sizeof numbers / sizeof numbers[0], COUNTED = 3 };

static struct sigaction before[COUNTED], before_pipe;
static volatile sig_atomic_t counting, counted, latest;

/* Those that are counted end nothing, and whoever counts wants to know of them at once. */
void virt_signals_hold(bool hold) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = hold && counting ? COUNTED : 0; i < HELD; i++) sigaddset(&set, numbers[i]);
  pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void note(int number) {
  latest = number;
  counted = counted + 1;
}

/* What the program ignores stays ignored: nohup(1) and background jobs of a shell count on that.  Who waits for somebody
 * to type is woken, as Lua's own interpreter has it: hence no SA_RESTART. */
void virt_signals_count(bool count) {
  if (count == (counting != 0)) return;
  struct sigaction action = {.sa_handler = note};
  sigemptyset(&action.sa_mask);
  if (count) counted = latest = 0;
  counting = count;
  for (size_t i = 0; i < COUNTED; i++) {
    if (count) sigaction(numbers[i], NULL, &before[i]);
    bool ignored = !(before[i].sa_flags & SA_SIGINFO) && before[i].sa_handler == SIG_IGN;
    if (!ignored) sigaction(numbers[i], count ? &action : &before[i], NULL);
  }
  /* Who reads along may go away; that is an error of a write then, and no end in the middle. */
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGPIPE, count ? &ignore : &before_pipe, count ? &before_pipe : NULL);
}

int virt_signals_counted(int *last) {
  *last = latest;
  return counting ? counted : -1;
}

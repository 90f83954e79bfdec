/*
 * relay.c - puts a host farther away, as a Lua module: what goes through a relay's socket arrives so many seconds
 * later, in both directions, however much of it there is.  It runs on threads of this process until that ends.
 */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

struct chunk {
  struct chunk *next;
  double due;
  size_t length;
  char bytes[];
};

/* What comes from one end and goes to the other. */
struct way {
  int from, to;
  struct chunk *first, **end;
};

struct relay {
  int listener;
  double delay;
  struct sockaddr_un target;
};

struct line {
  struct way ways[2];
  double delay;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* False at the end of what comes. */
static bool take_in(struct way *way, double delay) {
  enum { MOST = 65536 };
  struct chunk *chunk = malloc(sizeof *chunk + MOST);
  ssize_t length = chunk ? read(way->from, chunk->bytes, MOST) : -1;
  if (length <= 0) {
    free(chunk);
    return false;
  }
  *chunk = (struct chunk){.due = now() + delay, .length = (size_t)length};
  *way->end = chunk;
  way->end = &chunk->next;
  return true;
}

static bool write_all(int fd, const char *bytes, size_t length) {
  while (length) {
    ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes += written;
    length -= (size_t)written;
  }
  return true;
}

/* Gives out what is due. */
static bool give_out(struct way *way) {
  bool good = true;
  while (good && way->first && way->first->due <= now()) {
    struct chunk *chunk = way->first;
    way->first = chunk->next;
    if (!way->first) way->end = &way->first;
    good = write_all(way->to, chunk->bytes, chunk->length);
    free(chunk);
  }
  return good;
}

static bool wait_for(const struct line *line, struct pollfd ends[2]) {
  double left = 3600;
  for (int i = 0; i < 2; i++) {
    const struct chunk *first = line->ways[i].first;
    if (first && first->due - now() < left) left = first->due - now();
    ends[i] = (struct pollfd){.fd = line->ways[i].from, .events = POLLIN};
  }
  if (left < 0) left = 0;
  struct timespec time = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
  return ppoll(ends, 2, &time, NULL) >= 0 || errno == EINTR;
}

/* One connection, until one of its ends is closed. */
static void *run_line(void *data) {
  struct line *line = data;
  struct pollfd ends[2];
  bool open = true;
  while (open && wait_for(line, ends)) {
    for (int i = 0; i < 2 && open; i++)
      open = (!ends[i].revents || take_in(&line->ways[i], line->delay)) && give_out(&line->ways[i]);
  }
  for (int i = 0; i < 2; i++) {
    close(line->ways[i].from);
    while (line->ways[i].first) {
      struct chunk *chunk = line->ways[i].first;
      line->ways[i].first = chunk->next;
      free(chunk);
    }
  }
  free(line);
  return NULL;
}

static void connect_line(const struct relay *relay, int client) {
  struct line *line = calloc(1, sizeof *line);
  int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  pthread_t thread;
  if (line && connect(host, (const struct sockaddr *)&relay->target, sizeof relay->target) == 0) {
    line->delay = relay->delay;
    for (int i = 0; i < 2; i++) line->ways[i].end = &line->ways[i].first;
    line->ways[0].from = line->ways[1].to = client;
    line->ways[1].from = line->ways[0].to = host;
    if (!pthread_create(&thread, NULL, run_line, line)) {
      pthread_detach(thread);
      return;
    }
  }
  free(line);
  close(host);
  close(client);
}

static void *run_relay(void *data) {
  struct relay *relay = data;
  int client;
  while ((client = accept(relay->listener, NULL, NULL)) >= 0) connect_line(relay, client);
  return NULL;
}

/* relay.start(socket to make, socket of the host, seconds each way) */
static int relay_start(lua_State *L) {
  struct relay *relay = calloc(1, sizeof *relay);
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  pthread_t thread;
  if (!relay) return luaL_error(L, "no memory");
  relay->target.sun_family = AF_UNIX;
  relay->delay = luaL_checknumber(L, 3);
  snprintf(own.sun_path, sizeof own.sun_path, "%s", luaL_checkstring(L, 1));
  snprintf(relay->target.sun_path, sizeof relay->target.sun_path, "%s", luaL_checkstring(L, 2));
  relay->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(relay->listener, (struct sockaddr *)&own, sizeof own) || listen(relay->listener, 16) ||
      pthread_create(&thread, NULL, run_relay, relay))
    return luaL_error(L, "no relay: %s", strerror(errno));
  pthread_detach(thread);
  return 0;
}

int luaopen_relay(lua_State *L);

int luaopen_relay(lua_State *L) {
  static const luaL_Reg functions[] = {{"start", relay_start}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

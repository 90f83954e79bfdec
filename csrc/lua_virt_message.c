/*
 * lua_virt_message.c - what comes back from threads and hosts, as Lua values: answers, failures, events and questions.
 */
#include "lua_virt.h"
#include "virt_calls.h"

#define QUESTION_TYPE "virtlun.question"

void lvirt_push_failure(lua_State *L, const struct virt_error *error) {
  lua_createtable(L, 0, 4);
  lvirt_set_integer(L, "code", error->code);
  lvirt_set_text(L, "name", error->code_name);
  lvirt_set_text(L, "domain", error->domain_name);
  lvirt_set_text(L, "message", error->message);
}

/* The handle goes to the collector. */
static void push_domain(lua_State *L, struct virt_domain **from) {
  struct virt_domain **handle = lvirt_new_domain(L);
  *handle = *from;
  *from = NULL;
}

static void push_domains(lua_State *L, struct virt_job *job) {
  lua_createtable(L, (int)job->count, 0);
  for (size_t i = 0; i < job->count; i++) {
    push_domain(L, &job->domains[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_volume(lua_State *L, const struct virt_job *job) {
  lua_createtable(L, 0, 4);
  lvirt_set_text(L, "path", job->text);
  lvirt_set_text(L, "type", job->word);
  lvirt_set_integer(L, "capacity", job->number);
  lvirt_set_integer(L, "allocation", job->allocation);
}

static void push_look(lua_State *L, const struct virt_job *job) {
  lua_createtable(L, 0, 8);
  lvirt_set_text(L, "state", job->word);
  lvirt_set_flag(L, "active", job->number & VIRT_IS_ACTIVE);
  lvirt_set_flag(L, "persistent", job->number & VIRT_IS_PERSISTENT);
  lvirt_set_flag(L, "managed_save", job->number & VIRT_IS_SAVED);
  lua_createtable(L, 0, 2);
  lvirt_set_text(L, "config", job->text);
  lvirt_set_text(L, "live", job->live);
  lua_setfield(L, -2, "documents");
}

static void push_answer(lua_State *L, struct virt_job *job) {
  switch (job->answer) {
    case VIRT_NOTHING: lua_pushboolean(L, 1); break;
    case VIRT_NUMBER: lua_pushinteger(L, (lua_Integer)job->number); break;
    case VIRT_WORD: lua_pushstring(L, job->word); break;
    case VIRT_TEXT: lua_pushstring(L, job->text); break;
    case VIRT_DOMAIN: push_domain(L, &job->domains[0]); break;
    case VIRT_DOMAINS: push_domains(L, job); break;
    case VIRT_VOLUME: push_volume(L, job); break;
    case VIRT_LOOK: push_look(L, job); break;
  }
}

static void push_event(lua_State *L, const struct virt_event *event) {
  lua_createtable(L, 0, 5);
  lvirt_set_text(L, "event", event->event);
  lvirt_set_text(L, "domain", event->name);
  if (event->has_domain) lvirt_set_text(L, "uuid", event->uuid);
  lvirt_set_text(L, "alias", event->alias);
  lvirt_set_text(L, "change", event->change);
  lvirt_set_text(L, "reason", event->reason);
  if (event->change && event->detail >= 0) lvirt_set_integer(L, "detail", event->detail);
}

/* Whoever has it must answer it; the collector gives it up. */
static void push_question(lua_State *L, struct lvirt_state *state) {
  struct virt_question **handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_setmetatable(L, QUESTION_TYPE);
  *handle = (struct virt_question *)state->in_hand;
  state->in_hand = NULL;
}

static int push_job(lua_State *L, struct virt_job *job) {
  if (!job->failed) {
    push_answer(L, job);
    return 2;
  }
  lua_pushnil(L);
  lvirt_push_failure(L, &job->error);
  if (job->unanswered) lvirt_set_flag(L, "credentials", true);
  return 3;
}

/* libvirt.take(id or nil, seconds) -> id, result or nil, failure; nil if no message came.  An event is a result, and so
 * is a question. */
int Lvirt_take(lua_State *L) {
  struct lvirt_state *state = lvirt_state_of(L);
  long long id = luaL_optinteger(L, 1, 0);
  lvirt_drop(state);
  luaL_checkstack(L, 8, NULL);
  state->in_hand = virt_mailbox_take(state->box, id, luaL_optnumber(L, 2, 0));
  if (!state->in_hand) return 0;
  lua_pushinteger(L, (lua_Integer)state->in_hand->id);
  int results = 2;
  switch (state->in_hand->kind) {
    case VIRT_ANSWER: results = push_job(L, (struct virt_job *)state->in_hand); break;
    case VIRT_EVENT: push_event(L, (struct virt_event *)state->in_hand); break;
    case VIRT_QUESTION: push_question(L, state); break;
  }
  lvirt_drop(state);
  return results;
}

/* --- questions ---------------------------------------------------------------------------------------- */

static int collect_question(lua_State *L) {
  struct virt_question **handle = lua_touserdata(L, 1);
  if (*handle) (*handle)->message.release(&(*handle)->message);
  *handle = NULL;
  return 0;
}

/* libvirt.prompts(result) -> list of { type =, prompt =, challenge =, default =, secret = }; nil if the result is no
 * question. */
int Lvirt_prompts(lua_State *L) {
  struct virt_question **handle = luaL_testudata(L, 1, QUESTION_TYPE);
  if (!handle || !*handle) return 0;
  lua_createtable(L, (int)(*handle)->count, 0);
  for (size_t i = 0; i < (*handle)->count; i++) {
    const struct virt_prompt *prompt = &(*handle)->prompts[i];
    lua_createtable(L, 0, 5);
    lvirt_set_text(L, "type", prompt->type);
    lvirt_set_text(L, "prompt", prompt->prompt);
    lvirt_set_text(L, "challenge", prompt->challenge);
    lvirt_set_text(L, "default", prompt->standard);
    lvirt_set_flag(L, "secret", prompt->secret);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* libvirt.reply(question, list of answers or nil): ends the question; what has no answer is given up. */
int Lvirt_reply(lua_State *L) {
  struct virt_question **handle = luaL_checkudata(L, 1, QUESTION_TYPE);
  bool good = *handle && lua_istable(L, 2);
  for (size_t i = 0; good && i < (*handle)->count; i++) {
    size_t length;
    good = lua_rawgeti(L, 2, (lua_Integer)i + 1) == LUA_TSTRING;
    const char *answer = good ? lua_tolstring(L, -1, &length) : NULL;
    good = answer && virt_question_answer(*handle, i, answer, length);
    lua_pop(L, 1);
  }
  return collect_question(L);
}

void lvirt_open_questions(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  lvirt_new_type(L, QUESTION_TYPE, none, collect_question);
}

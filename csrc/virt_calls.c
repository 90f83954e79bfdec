/*
 * virt_calls.c - each libvirt call as a worker makes it: from a job's arguments to its answer.  No policy lives here,
 * and nothing of when or on which thread a call is made.
 */
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "virt_calls.h"
#include "virt_events.h"
#include "virt_question.h"

/* --- answers ------------------------------------------------------------------------------------------ */

/* Keeps libvirt's last error from what is still to be cleaned up. */
static bool refused(struct virt_job *job) {
  virt_error_last(&job->error);
  job->failed = true;
  return false;
}

static bool no_memory(struct virt_job *job) {
  virt_error_make(&job->error, VIR_ERR_NO_MEMORY, "no memory for the answer of the call %s", job->call->name);
  job->failed = true;
  return false;
}

static bool answer_text(struct virt_job *job, char *text) {
  job->answer = VIRT_TEXT;
  job->text = text;
  return text;
}

static bool answer_number(struct virt_job *job, enum virt_answer answer, long long number) {
  job->answer = answer;
  job->number = number;
  return number >= 0;
}

/* Takes the handles over, all of them. */
static bool answer_domains(struct virt_job *job, virDomainPtr *handles, size_t count) {
  bool good = (job->domains = calloc(count ? count : 1, sizeof *job->domains));
  for (size_t i = 0; i < count; i++) {
    if (!good) {
      virDomainFree(handles[i]);
      continue;
    }
    job->domains[i] = virt_domain_new(job->conn, handles[i]);
    job->count = i + 1;
    good = job->domains[i];
  }
  return good || no_memory(job);
}

static bool answer_domain(struct virt_job *job, virDomainPtr handle) {
  job->answer = VIRT_DOMAIN;
  return handle && answer_domains(job, &handle, 1);
}

/* --- connections -------------------------------------------------------------------------------------- */

static bool asked(struct virt_job *job, virConnectCredentialPtr credentials, unsigned count) {
  struct virt_question *question = virt_question_new(credentials, count, job->message.id);
  if (!question) return false;
  virt_job_tell(job, &question->message);
  bool answered = virt_question_wait(question, credentials);
  virt_question_unref(question);
  return answered;
}

/* libvirt calls this for credentials that it has found in no file. */
static int want(virConnectCredentialPtr credentials, unsigned count, void *data) {
  struct virt_job *job = data;
  bool answered = job->flags & VIRT_OPEN_ASK && asked(job, credentials, count);
  if (!answered) job->unanswered = true;
  return answered ? 0 : -1;
}

static bool call_open(struct virt_job *job) {
  bool loop = virt_events_start(job->flags & VIRT_OPEN_EVENTS);
  virConnectAuth auth = {.cb = want, .cbdata = job};
  auth.credtype = virt_question_types(&auth.ncredtype);
  unsigned flags = job->flags & VIRT_OPEN_READONLY ? VIR_CONNECT_RO : 0;
  virConnectPtr handle = virConnectOpenAuth(job->arguments[0], &auth, flags);
  if (!handle) return false;
  job->conn->handle = handle;
  if (loop) virt_events_watch(job->conn);
  return true;
}

static bool call_close(struct virt_job *job) {
  virt_events_end(job->conn);
  virConnectPtr handle = virt_conn_strip(job->conn);
  if (handle) virConnectClose(handle);
  return true;
}

static bool call_uri(struct virt_job *job) { return answer_text(job, virConnectGetURI(job->conn->handle)); }

static bool call_driver(struct virt_job *job) {
  job->answer = VIRT_WORD;
  return (job->word = virConnectGetType(job->conn->handle));
}

/* The host's libvirt as a number.  Its emulators are not asked: that would probe each of them (design 3.3). */
static bool call_version(struct virt_job *job) {
  unsigned long version;
  if (virConnectGetLibVersion(job->conn->handle, &version) < 0) return false;
  return answer_number(job, VIRT_NUMBER, (long long)version);
}

static bool call_domains(struct virt_job *job) {
  virDomainPtr *list = NULL;
  int count = virConnectListAllDomains(job->conn->handle, &list, 0);
  if (count < 0) return false;
  job->answer = VIRT_DOMAINS;
  bool good = answer_domains(job, list, (size_t)count);
  free(list);
  return good;
}

/* By name or UUID. */
static bool call_lookup(struct virt_job *job) {
  const char *name = job->arguments[0];
  virDomainPtr handle = NULL;
  bool is_uuid = strlen(name) == VIR_UUID_STRING_BUFLEN - 1 && strspn(name, "0123456789abcdefABCDEF-") == strlen(name);
  if (is_uuid) handle = virDomainLookupByUUIDString(job->conn->handle, name);
  if (!handle) handle = virDomainLookupByName(job->conn->handle, name);
  return answer_domain(job, handle);
}

static bool call_define(struct virt_job *job) {
  return answer_domain(job, virDomainDefineXMLFlags(job->conn->handle, job->arguments[0], 0));
}

static bool describe_volume(struct virt_job *job, virStorageVolPtr volume) {
  static const char *const words[] = {"file", "block", "dir", "network", "netdir", "ploop"};
  virStorageVolInfo info;
  if (virStorageVolGetInfo(volume, &info) < 0) return false;
  job->word = info.type >= 0 && (size_t)info.type < sizeof words / sizeof *words ? words[info.type] : "unknown";
  job->number = (long long)info.capacity;
  job->allocation = (long long)info.allocation;
  bool good = answer_text(job, virStorageVolGetPath(volume));
  job->answer = VIRT_VOLUME;
  return good;
}

static bool call_volume(struct virt_job *job) {
  virStoragePoolPtr pool = virStoragePoolLookupByName(job->conn->handle, job->arguments[0]);
  if (!pool) return false;
  virStorageVolPtr volume = virStorageVolLookupByName(pool, job->arguments[1]);
  bool good = (volume && describe_volume(job, volume)) || refused(job);
  if (volume) virStorageVolFree(volume);
  virStoragePoolFree(pool);
  return good;
}

static bool call_listen(struct virt_job *job) {
  job->failed = !virt_events_listen(job->conn, job->more, &job->error);
  return !job->failed;
}

/* --- domains ------------------------------------------------------------------------------------------ */

static bool call_xml(struct virt_job *job) {
  return answer_text(job, virDomainGetXMLDesc(job->domain->handle, job->flags));
}

/* The word that virsh uses; NULL if it cannot be had. */
static const char *state_of(virDomainPtr domain) {
  static const char *const words[] = {"no state",    "running",  "idle",    "paused",
                                      "in shutdown", "shut off", "crashed", "pmsuspended"};
  int state, reason;
  if (virDomainGetState(domain, &state, &reason, 0) < 0) return NULL;
  return state >= 0 && (size_t)state < sizeof words / sizeof *words ? words[state] : words[0];
}

/* Drivers that cannot save have nothing saved. */
static int has_managed_save(virDomainPtr domain) {
  int answer = virDomainHasManagedSaveImage(domain, 0);
  return answer < 0 && virGetLastErrorCode() == VIR_ERR_NO_SUPPORT ? 0 : answer;
}

/* Four calls of libvirt in one job, because handing over costs as much as an answer: whoever asks for one of these
 * asks for all. */
static bool call_facts(struct virt_job *job) {
  virDomainPtr domain = job->domain->handle;
  job->word = state_of(domain);
  int active = job->word ? virDomainIsActive(domain) : -1;
  int persistent = active >= 0 ? virDomainIsPersistent(domain) : -1;
  int saved = persistent >= 0 ? has_managed_save(domain) : -1;
  job->answer = VIRT_LOOK;
  job->number = (active ? VIRT_IS_ACTIVE : 0) | (persistent ? VIRT_IS_PERSISTENT : 0) | (saved ? VIRT_IS_SAVED : 0);
  return saved >= 0;
}

/* The same with the documents, which most who ask want to see next. */
static bool call_look(struct virt_job *job) {
  virDomainPtr domain = job->domain->handle;
  if (!call_facts(job)) return false;
  bool is_persistent = job->number & VIRT_IS_PERSISTENT, is_active = job->number & VIRT_IS_ACTIVE;
  if (is_persistent && !(job->text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE))) return false;
  return !is_active || (job->live = virDomainGetXMLDesc(domain, 0));
}

static bool call_attach(struct virt_job *job) {
  return virDomainAttachDeviceFlags(job->domain->handle, job->arguments[0], job->flags) == 0;
}

static bool call_detach(struct virt_job *job) {
  return virDomainDetachDeviceFlags(job->domain->handle, job->arguments[0], job->flags) == 0;
}

static bool call_update(struct virt_job *job) {
  return virDomainUpdateDeviceFlags(job->domain->handle, job->arguments[0], job->flags) == 0;
}

static bool call_reboot(struct virt_job *job) { return virDomainReboot(job->domain->handle, 0) == 0; }
static bool call_reset(struct virt_job *job) { return virDomainReset(job->domain->handle, 0) == 0; }
static bool call_shutdown(struct virt_job *job) { return virDomainShutdown(job->domain->handle) == 0; }
static bool call_destroy(struct virt_job *job) { return virDomainDestroy(job->domain->handle) == 0; }
static bool call_start(struct virt_job *job) { return virDomainCreate(job->domain->handle) == 0; }

/* --- the table ---------------------------------------------------------------------------------------- */

static const struct virt_call calls[] = {
    {"open", VIRT_ON_CONNECTION, 0, call_open},
    {"close", VIRT_ON_CONNECTION, 0, call_close},
    {"uri", VIRT_ON_CONNECTION, 0, call_uri},
    {"driver", VIRT_ON_CONNECTION, 0, call_driver},
    {"version", VIRT_ON_CONNECTION, 0, call_version},
    {"domains", VIRT_ON_CONNECTION, 0, call_domains},
    {"lookup", VIRT_ON_CONNECTION, 1, call_lookup},
    {"define", VIRT_ON_CONNECTION, 1, call_define},
    {"volume", VIRT_ON_CONNECTION, 2, call_volume},
    {"listen", VIRT_ON_CONNECTION_ALONE, 0, call_listen},
    {"xml", VIRT_ON_DOMAIN, 0, call_xml},
    {"facts", VIRT_ON_DOMAIN, 0, call_facts},
    {"look", VIRT_ON_DOMAIN, 0, call_look},
    {"attach_device", VIRT_ON_DOMAIN, 1, call_attach},
    {"detach_device", VIRT_ON_DOMAIN, 1, call_detach},
    {"update_device", VIRT_ON_DOMAIN, 1, call_update},
    {"reboot", VIRT_ON_DOMAIN, 0, call_reboot},
    {"reset", VIRT_ON_DOMAIN, 0, call_reset},
    {"shutdown", VIRT_ON_DOMAIN, 0, call_shutdown},
    {"destroy", VIRT_ON_DOMAIN, 0, call_destroy},
    {"start", VIRT_ON_DOMAIN, 0, call_start},
};

const struct virt_call *virt_call_find(const char *name) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (!strcmp(calls[i].name, name)) return &calls[i];
  return NULL;
}

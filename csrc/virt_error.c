/*
 * virt_error.c - what libvirt said went wrong, as data.  Knows neither Lua nor the core.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "virt_error.h"

struct name {
  int number;
  const char *name;
};

/* The codes of libvirt 7.0 that its domain and connection calls give. */
#define CODE(id)                                                                                                       \
  { VIR_ERR_##id, "VIR_ERR_" #id }
static const struct name codes[] = {CODE(INTERNAL_ERROR),
                                    CODE(NO_MEMORY),
                                    CODE(NO_SUPPORT),
                                    CODE(UNKNOWN_HOST),
                                    CODE(NO_CONNECT),
                                    CODE(INVALID_CONN),
                                    CODE(INVALID_DOMAIN),
                                    CODE(INVALID_ARG),
                                    CODE(OPERATION_FAILED),
                                    CODE(NO_KERNEL),
                                    CODE(DRIVER_FULL),
                                    CODE(CALL_FAILED),
                                    CODE(XML_ERROR),
                                    CODE(DOM_EXIST),
                                    CODE(OPERATION_DENIED),
                                    CODE(OPEN_FAILED),
                                    CODE(READ_FAILED),
                                    CODE(PARSE_FAILED),
                                    CODE(CONF_SYNTAX),
                                    CODE(WRITE_FAILED),
                                    CODE(XML_DETAIL),
                                    CODE(NO_DOMAIN),
                                    CODE(SYSTEM_ERROR),
                                    CODE(RPC),
                                    CODE(GNUTLS_ERROR),
                                    CODE(AUTH_FAILED),
                                    CODE(NO_SOURCE),
                                    CODE(NO_TARGET),
                                    CODE(OPERATION_INVALID),
                                    CODE(NO_STORAGE_POOL),
                                    CODE(NO_STORAGE_VOL),
                                    CODE(INVALID_MAC),
                                    CODE(NO_SECRET),
                                    CODE(CONFIG_UNSUPPORTED),
                                    CODE(OPERATION_TIMEOUT),
                                    CODE(HOOK_SCRIPT_FAILED),
                                    CODE(OPERATION_ABORTED),
                                    CODE(AUTH_CANCELLED),
                                    CODE(OPERATION_UNSUPPORTED),
                                    CODE(SSH),
                                    CODE(AGENT_UNRESPONSIVE),
                                    CODE(RESOURCE_BUSY),
                                    CODE(ACCESS_DENIED),
                                    CODE(OVERFLOW),
                                    CODE(AUTH_UNAVAILABLE),
                                    CODE(XML_INVALID_SCHEMA),
                                    CODE(MIGRATE_FINISH_OK),
                                    CODE(NO_CLIENT),
                                    CODE(NO_SERVER),
                                    CODE(DEVICE_MISSING)};
#undef CODE

#define FROM(id)                                                                                                       \
  { VIR_FROM_##id, "VIR_FROM_" #id }
static const struct name domains[] = {FROM(NONE),     FROM(CONF), FROM(QEMU),   FROM(TEST),    FROM(DOMAIN),
                                      FROM(XML),      FROM(RPC),  FROM(REMOTE), FROM(STORAGE), FROM(SECRET),
                                      FROM(SECURITY), FROM(AUTH), FROM(EVENT),  FROM(LOCKING), FROM(CAPABILITIES),
                                      FROM(URI),      FROM(SSH),  FROM(ACCESS), FROM(POLKIT),  FROM(THREAD),
                                      FROM(SYSTEMD),  FROM(DBUS)};
#undef FROM

static const char *name_of(const struct name *names, size_t count, int number) {
  for (size_t i = 0; i < count; i++)
    if (names[i].number == number) return names[i].name;
  return NULL;
}

static void set(struct virt_error *error, int code, int domain) {
  error->code = code;
  error->domain = domain;
  error->code_name = name_of(codes, sizeof codes / sizeof codes[0], code);
  error->domain_name = name_of(domains, sizeof domains / sizeof domains[0], domain);
}

void virt_error_last(struct virt_error *error) {
  const virError *last = virGetLastError();
  set(error, last ? last->code : VIR_ERR_INTERNAL_ERROR, last ? last->domain : VIR_FROM_NONE);
  snprintf(error->message, sizeof error->message, "%s",
           last && last->message ? last->message : "libvirt gave no reason");
}

void virt_error_make(struct virt_error *error, int code, const char *format, const char *what) {
  set(error, code, VIR_FROM_NONE);
  snprintf(error->message, sizeof error->message, format, what);
}

static void say_nothing(void *data, virErrorPtr error) {
  (void)data;
  (void)error;
}

void virt_error_silence(void) { virSetErrorFunc(NULL, say_nothing); }

static void print_nothing(void *context, const char *format, ...) {
  (void)context;
  (void)format;
}

static void (*_Atomic set_xml_printer)(void *context, void (*print)(void *context, const char *format, ...));

void virt_error_silence_xml(void *set) {
  void (*as_function)(void *context, void (*print)(void *context, const char *format, ...));
  memcpy(&as_function, &set, sizeof as_function);
  set_xml_printer = as_function;
}

void virt_error_silence_thread(void) {
  void (*set_printer)(void *, void (*)(void *, const char *, ...)) = set_xml_printer;
  if (set_printer) set_printer(NULL, print_nothing);
}

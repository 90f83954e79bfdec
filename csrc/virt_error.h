/*
 * virt_error.h - libvirt's errors with their names, and libvirt's printer silenced.
 */
#ifndef VLUN_VIRT_ERROR_H
#define VLUN_VIRT_ERROR_H

struct virt_error {
  int code, domain;
  const char *code_name;   /* "VIR_ERR_NO_DOMAIN"; NULL if this table does not know it */
  const char *domain_name; /* "VIR_FROM_QEMU" */
  char message[1024];
};

/* The calling thread's last error. */
void virt_error_last(struct virt_error *error);
/* libvirt prints through a process-wide handler whatever a connection's own says, failed opens included (facts 13). */
void virt_error_silence(void);
/* The test driver reads its files with libxml2, which prints what is wrong with them through a handler of the thread.
 * `set` is xmlSetGenericErrorFunc as libvirt sees it, or NULL. */
void virt_error_silence_xml(void *set);
void virt_error_silence_thread(void);
/* An error of our own; format has one %s. */
void virt_error_make(struct virt_error *error, int code, const char *format, const char *what)
    __attribute__((format(printf, 3, 0)));

#endif

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
/* Writing to a daemon that is gone raises SIGPIPE, which ends the process unless the host program handles it. */
void virt_ignore_broken_pipes(void);

#endif

/*
 * swap.c - a C program without Lua: puts another disc into a drive of the domain whose XML is on standard input.
 *
 *   virsh dumpxml --inactive web01 | swap sda /iso/b.iso >new.xml
 */
#include <stdio.h>
#include <stdlib.h>

#include <virtlun.h>

static void tell(const struct vlun_problems *problems) {
  const struct vlun_problem *problem;
  for (size_t i = 0; (problem = vlun_problems_get(problems, i)); i++)
    fprintf(stderr, "%s: %s%s%s\n", problem->path, problem->message, problem->hint ? "; " : "",
            problem->hint ? problem->hint : "");
}

int main(int argc, char **argv) {
  static char xml[1 << 20];
  size_t len = fread(xml, 1, sizeof xml, stdin);
  if (argc != 3) return 64;

  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *host = vlun_domain_read(xml, len, problems); /* what there is */
  struct vlun_domain *desired = vlun_domain_new(NULL, problems);   /* what there is to be */
  size_t drive = vlun_domain_add(desired, "cdrom", problems);
  vlun_domain_set_text(desired, drive, "dev", argv[1], problems);
  vlun_domain_set_text(desired, drive, "source", argv[2], problems);

  struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
  const struct vlun_difference *change;
  for (size_t i = 0; (change = vlun_diff_get(diff, i)); i++)
    for (size_t k = 0; k < change->key_count; k++) fprintf(stderr, "%s: %s changes\n", change->device, change->keys[k]);
  char *text = vlun_diff_patch(diff, problems); /* the document with the change, and all else as it was */
  if (text) fputs(text, stdout);

  tell(problems);
  free(text);
  vlun_diff_free(diff);
  vlun_domain_free(desired);
  vlun_domain_free(host);
  vlun_problems_free(problems);
  return text ? 0 : 1;
}

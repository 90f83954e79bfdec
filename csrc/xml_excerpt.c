/*
 * xml_excerpt.c - a host's document with none but a few of its devices, so that what becomes of one of 100,000 is found
 * without a tree of them all.
 */
#include "xml_patch.h"

static void add_text(struct vlun_buffer *out, const char *text) { vlun_buffer_add(out, text, strlen(text)); }

/* Whether an element of the text can lie there. */
static bool is_element(const char *xml, size_t len, size_t from, size_t to) {
  return from < to && to <= len && xml[from] == '<' && xml[to - 1] == '>';
}

bool vlun_excerpt(const char *xml, size_t len, const struct vlun_model *host, const struct vlun_changes *changes,
                  struct vlun_buffer *out) {
  if (!host->devices_from || host->devices_from > len) return false;
  vlun_buffer_add(out, xml, host->devices_from);
  for (size_t i = 0; i < changes->count; i++) {
    const struct vlun_device *current = changes->list[i].current;
    if (!current) continue;
    if (!is_element(xml, len, current->from, current->to)) return false;
    vlun_buffer_add(out, xml + current->from, current->to - current->from);
  }
  add_text(out, "</devices></domain>");
  return !out->failed;
}

/*
 * read.c - fuzzes the reader: any bytes as a host's document.  What was read can be written, and what was written is
 * read again as the same; what was not read and who boots can be asked of any document.
 */
#include "fuzz.h"

/* The devices that are ours, as the document of a domain. */
static void write_document(struct vlun_buffer *out, const struct vlun_model *model) {
  vlun_buffer_add(out, "<domain><devices>\n", 18);
  for (size_t i = 0; i < model->count; i++)
    if (!model->device[i].foreign) vlun_write_record(out, model->device[i].record, 0);
  vlun_buffer_add(out, "</devices></domain>", 19);
}

/* What a document says by halves, a drive without a name say, may be written as none of ours any more; what is written
 * of the rest stays for ever. */
static void write_again(const struct vlun_buffer *before, struct vlun_buffer *after) {
  struct vlun_problems problems = {0};
  struct vlun_model model = {0};
  DEMAND(is_xml_text(before->text, before->len));
  DEMAND(vlun_read(&model, before->text, before->len, &problems));
  write_document(after, &model);
  vlun_model_free(&model);
  vlun_problems_clear(&problems);
}

static void write_read_write(const struct vlun_model *model) {
  struct vlun_buffer first = {0}, second = {0}, third = {0};
  write_document(&first, model);
  write_again(&first, &second);
  write_again(&second, &third);
  DEMAND(second.len == third.len && memcmp(second.text, third.text, second.len) == 0);
  vlun_buffer_free(&first);
  vlun_buffer_free(&second);
  vlun_buffer_free(&third);
}

static void ask_unread(const char *xml, size_t len, const struct vlun_model *model) {
  struct vlun_arena arena = {0};
  struct vlun_problems problems = {0};
  struct vlun_unread *list;
  DEMAND(vlun_unread(&arena, xml, len, model, &list, &problems));
  for (; list; list = list->next) {
    DEMAND(list->device >= 1 && list->device <= model->count);
    DEMAND(is_xml_text(list->place, strlen(list->place)));
    DEMAND(!list->xml || is_xml_text(list->xml, strlen(list->xml)));
  }
  vlun_arena_free(&arena);
  vlun_problems_clear(&problems);
}

/* Booting by devices takes no device away and makes none. */
static void ask_boot(const char *xml, size_t len, struct vlun_model *model, const struct vlun_device *first) {
  const struct vlun_boot boot = {.host = model, .first = first};
  struct vlun_buffer out = {0};
  struct vlun_problems problems = {0};
  struct vlun_model again = {0};
  if (vlun_boot(xml, len, &boot, &out, &problems)) {
    DEMAND(is_xml_text(out.text, out.len));
    DEMAND(vlun_read(&again, out.text, out.len, &problems));
    DEMAND(again.count == model->count && !(model->domain && again.os_boot && first));
  }
  vlun_buffer_free(&out);
  vlun_model_free(&again);
  vlun_problems_clear(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct vlun_problems problems = {0};
  struct vlun_model model = {0};
  const char *xml = (const char *)data;
  bool good = vlun_read(&model, xml, size, &problems);
  DEMAND(good || problems.count);
  for (size_t i = 0; i < problems.count; i++) {
    const char *message = problems.list[i].problem.message;
    DEMAND(message && is_xml_text(message, strlen(message)));
  }
  if (good) {
    write_read_write(&model);
    ask_unread(xml, size, &model);
    ask_boot(xml, size, &model, NULL);
    if (model.count && !model.device[0].foreign) ask_boot(xml, size, &model, &model.device[0]);
  }
  vlun_model_free(&model);
  vlun_problems_clear(&problems);
  return 0;
}

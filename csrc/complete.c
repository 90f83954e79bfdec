/*
 * complete.c - fills in what a recipe may leave out: defaults of new devices, missing HBAs, free addresses.
 * It never changes what was said, and never touches a device that the host has already.
 */
#include <string.h>

#include "internal.h"

struct complete {
  struct vlun_model *model;
  struct vlun_model *const *hosts;
  size_t host_count, written; /* the documents that will be written come first */
  struct vlun_arena arena;
  struct vlun_claims *places; /* every place that is taken; NULL until a device needs one */
  const struct vlun_record *controller[VLUN_MAX_CONTROLLER + 1]; /* described, or in every document that is written */
  const struct vlun_record *running[VLUN_MAX_CONTROLLER + 1];    /* in any document: tells the model of a missing one */
  struct vlun_place next[VLUN_MAX_CONTROLLER + 1]; /* where to look for a free place; what is before it is taken */
};

/* --- what is there ------------------------------------------------------------------------------------ */

/* The document that will be written decides what is new: the first.  Without one, what was read from a document is
 * not. */
static bool is_new(struct complete *all, const struct vlun_device *device) {
  if (vlun_is_absent(device)) return false;
  if (all->host_count == 0) return !device->read;
  return !vlun_find(&all->arena, all->hosts[0], device->record);
}

/* What the other document has of a device that is new in the first: it is that one's equal, and gets no defaults.  Nor
 * does what was read from a document, such as a device that comes back. */
static const struct vlun_device *elsewhere(struct complete *all, const struct vlun_device *device) {
  const struct vlun_device *found = NULL;
  for (size_t h = 1; h < all->host_count && !found; h++) found = vlun_find(&all->arena, all->hosts[h], device->record);
  return found;
}

static void take_place(struct complete *all, const struct vlun_place *place, const void *owner) {
  uint64_t *key = vlun_alloc(&all->arena, sizeof *key);
  if (!key) return;
  *key = vlun_place_key(place);
  vlun_claim(all->places, 0, key, sizeof *key, owner);
}

static bool is_taken(const struct complete *all, const struct vlun_place *place) {
  uint64_t key = vlun_place_key(place);
  return vlun_claimed(all->places, 0, &key, sizeof key) != NULL;
}

static void know_controller(const struct vlun_record *controller[VLUN_MAX_CONTROLLER + 1],
                            const struct vlun_device *device) {
  int64_t index = vlun_number(device->record, VLUN_controller_index, -1);
  bool counts = !device->foreign && index >= 0 && index <= VLUN_MAX_CONTROLLER && !vlun_is_absent(device);
  if (counts && !controller[index]) controller[index] = device->record;
}

/* A described drive counts only with an address that was said: one that it keeps on the host is the host's to tell. */
static void know_places_of(struct complete *all, const struct vlun_model *model, bool host) {
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    struct vlun_place place;
    bool counts = !device->foreign && (host || vlun_common(device->record, COMMON_address));
    if (counts && vlun_place_of(device->record, &place)) take_place(all, &place, device);
  }
}

static bool know_places(struct complete *all) {
  size_t expected = all->model->count;
  for (size_t h = 0; h < all->host_count; h++) expected += all->hosts[h]->count;
  all->places = vlun_claims_new(&all->arena, expected);
  if (!all->places) return false;
  know_places_of(all, all->model, false);
  for (size_t h = 0; h < all->host_count; h++) know_places_of(all, all->hosts[h], true);
  return true;
}

static void know_controllers(const struct vlun_record *controller[VLUN_MAX_CONTROLLER + 1],
                             const struct vlun_model *model) {
  for (size_t i = 0; i < model->count; i++)
    if (vlun_is(&model->device[i], SHAPE_controller)) know_controller(controller, &model->device[i]);
}

/* An HBA that one of the documents lacks is none that a drive can be put on. */
static void know_written(struct complete *all) {
  for (size_t h = 0; h < all->written; h++) {
    const struct vlun_record *there[VLUN_MAX_CONTROLLER + 1] = {0};
    know_controllers(there, all->hosts[h]);
    for (size_t i = 0; i <= VLUN_MAX_CONTROLLER; i++)
      if (h == 0 || !there[i]) all->controller[i] = there[i];
  }
  const struct vlun_record *described[VLUN_MAX_CONTROLLER + 1] = {0};
  know_controllers(described, all->model);
  for (size_t i = 0; i <= VLUN_MAX_CONTROLLER; i++)
    if (described[i]) all->controller[i] = described[i];
}

/* --- defaults ----------------------------------------------------------------------------------------- */

/* io=native is for local files and block devices, and wants a cache that bypasses the host's (facts 5). */
static bool default_fits(const struct vlun_draft *draft, int row) {
  if (draft->shape != &vlun_shapes[SHAPE_disk] || row != VLUN_disk_io) return true;
  bool has_source = (draft->set & BIT(VLUN_disk_source)) && !draft->value[VLUN_disk_source].no;
  const struct vlun_shape *source = has_source ? draft->value[VLUN_disk_source].u.record->shape : NULL;
  bool local = source == &vlun_shapes[SHAPE_file] || source == &vlun_shapes[SHAPE_block];
  int64_t cache = (draft->set & BIT(VLUN_disk_cache)) ? draft->value[VLUN_disk_cache].u.number : W(cache, default);
  return local && (cache == W(cache, none) || cache == W(cache, directsync));
}

/* The record itself where no default is missing. */
static struct vlun_record *with_defaults(struct vlun_arena *arena, struct vlun_record *record, uint64_t device) {
  struct vlun_draft draft;
  bool changed = false;
  vlun_draft_from(&draft, record);
  for (int i = 0; i < record->shape->count; i++) {
    const struct vlun_row *row = &record->shape->rows[i];
    struct vlun_value *value = &draft.value[i];
    if ((draft.set & BIT(i)) && row->kind == KIND_RECORD && !value->no) {
      struct vlun_record *inner = with_defaults(arena, value->u.record, device);
      changed = changed || inner != value->u.record;
      if (inner) value->u.record = inner;
    }
    if ((draft.set & BIT(i)) || !(row->dflt_for & device) || !default_fits(&draft, i)) continue;
    vlun_draft_set(&draft, i, ORIGIN_DEFAULT)->u.number = row->dflt;
    changed = true;
  }
  return changed ? vlun_draft_pack(&draft, arena) : record;
}

static void fill_defaults(struct complete *all, struct vlun_device *device) {
  uint64_t kind = BIT(W(device, disk));
  if (vlun_is(device, SHAPE_disk)) kind = BIT(vlun_number(device->record, VLUN_disk_device, W(device, disk)));
  struct vlun_record *record = with_defaults(&all->model->arena, device->record, kind);
  if (record) device->record = record;
}

/* --- controllers -------------------------------------------------------------------------------------- */

static bool add_controller(struct complete *all, int64_t index, int64_t model) {
  struct vlun_device *device = vlun_model_add(all->model);
  if (!device) return false;
  struct vlun_draft draft;
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_controller]);
  vlun_draft_set(&draft, VLUN_controller_index, ORIGIN_ASSIGNED)->u.number = index;
  vlun_draft_set(&draft, VLUN_controller_model, ORIGIN_ASSIGNED)->u.number = model;
  *device = (struct vlun_device){.record = vlun_draft_pack(&draft, &all->model->arena)};
  all->controller[index] = device->record;
  return device->record != NULL;
}

static int64_t model_of(const struct vlun_record *controller) {
  return vlun_number(controller, VLUN_controller_model, W(model, virtio_scsi));
}

/* The model of the nearest HBA that has one, below before above; virtio-scsi if there is none. */
static int64_t nearest_model(const struct vlun_record *const *controller, int64_t index) {
  for (int64_t far = 1; far <= VLUN_MAX_CONTROLLER; far++) {
    if (index - far >= 0 && controller[index - far]) return model_of(controller[index - far]);
    if (index + far <= VLUN_MAX_CONTROLLER && controller[index + far]) return model_of(controller[index + far]);
  }
  return W(model, virtio_scsi);
}

/* The model that the running domain has there, so that both documents will have the same. */
static int64_t model_to_add(const struct complete *all, int64_t index) {
  return all->running[index] ? model_of(all->running[index]) : W(model, virtio_scsi);
}

/* HBAs that drives name and nobody described; the rules have made sure that no hole comes of it. */
static int64_t add_named_controllers(struct complete *all) {
  int64_t highest = -1;
  for (size_t i = 0, count = all->model->count; i < count; i++) {
    const struct vlun_device *device = &all->model->device[i];
    struct vlun_place place = {.controller = -1};
    if (vlun_is_absent(device)) continue;
    if (vlun_is(device, SHAPE_controller)) place.controller = vlun_number(device->record, VLUN_controller_index, -1);
    else if (vlun_common(device->record, COMMON_address)) vlun_place_of(device->record, &place);
    if (place.controller < 0 || place.controller > VLUN_MAX_CONTROLLER) continue;
    if (place.controller > highest) highest = place.controller;
    if (all->controller[place.controller] || (all->host_count == 0 && device->read)) continue;
    if (!add_controller(all, place.controller, model_to_add(all, place.controller))) return -1;
  }
  return highest;
}

static void fill_gaps(struct complete *all, int64_t highest) {
  const struct vlun_record *domain = all->model->domain;
  if (!domain || !vlun_number(domain, VLUN_domain_fill_gaps, 0)) return;
  const struct vlun_record *described[VLUN_MAX_CONTROLLER + 1];
  memcpy(described, all->controller, sizeof described);
  for (int64_t i = 0; i < highest; i++)
    if (!described[i])
      add_controller(all, i, all->running[i] ? model_of(all->running[i]) : nearest_model(described, i));
}

/* --- addresses ---------------------------------------------------------------------------------------- */

/* Units first, up to the 255 that every guest sees; models that run out of units at once go by target. */
static bool advance(const struct vlun_hba *hba, struct vlun_place *place) {
  int64_t last_unit = hba->properties & HBA_BY_TARGET ? 0 : hba->max_unit > 255 ? 255 : hba->max_unit;
  if (place->unit < last_unit) {
    place->unit++;
  } else {
    place->unit = 0;
    place->target++;
  }
  return place->target <= hba->max_target;
}

static bool free_place_on(struct complete *all, int64_t index, struct vlun_place *found) {
  const struct vlun_hba *hba = vlun_hba_of(all->controller[index]);
  struct vlun_place *place = &all->next[index];
  place->controller = index;
  while (place->target <= hba->max_target) {
    if (vlun_hba_takes(hba, place) && !is_taken(all, place)) {
      *found = *place;
      return true;
    }
    if (!advance(hba, place)) return false;
  }
  return false;
}

/* The lowest virtio-scsi HBA with room, else any HBA with room, else a new virtio-scsi HBA at the lowest free index. */
static bool free_place(struct complete *all, struct vlun_place *found) {
  for (int any = 0; any <= 1; any++)
    for (int64_t i = 0; i <= VLUN_MAX_CONTROLLER; i++) {
      bool wanted = all->controller[i] && (any || model_of(all->controller[i]) == W(model, virtio_scsi));
      if (wanted && free_place_on(all, i, found)) return true;
    }
  for (int64_t i = 0; i <= VLUN_MAX_CONTROLLER; i++)
    if (!all->controller[i]) return add_controller(all, i, W(model, virtio_scsi)) && free_place_on(all, i, found);
  return false;
}

static struct vlun_record *address_record(struct complete *all, const struct vlun_place *place) {
  struct vlun_draft draft;
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_drive]);
  vlun_draft_set(&draft, VLUN_drive_controller, ORIGIN_ASSIGNED)->u.number = place->controller;
  vlun_draft_set(&draft, VLUN_drive_bus, ORIGIN_ASSIGNED)->u.number = place->bus;
  vlun_draft_set(&draft, VLUN_drive_target, ORIGIN_ASSIGNED)->u.number = place->target;
  vlun_draft_set(&draft, VLUN_drive_unit, ORIGIN_ASSIGNED)->u.number = place->unit;
  return vlun_draft_pack(&draft, &all->model->arena);
}

/* A vhost target sits on the machine's own bus, where libvirt chooses. */
static bool wants_place(const struct vlun_device *device) {
  if (vlun_common(device->record, COMMON_address)) return false;
  if (vlun_is(device, SHAPE_disk)) return true;
  const struct vlun_value *source =
      vlun_is(device, SHAPE_hostdev) ? vlun_has(device->record, VLUN_hostdev_source) : NULL;
  return source && source->u.record->shape != &vlun_shapes[SHAPE_vhost];
}

/* A drive that the running domain has already keeps its place there. */
static bool place_for(struct complete *all, const struct vlun_device *device, struct vlun_place *place) {
  const struct vlun_device *other = elsewhere(all, device);
  if (other && vlun_place_of(other->record, place) && place->controller <= VLUN_MAX_CONTROLLER &&
      (all->controller[place->controller] ||
       add_controller(all, place->controller, model_to_add(all, place->controller))))
    return true;
  return free_place(all, place);
}

static void assign_place(struct complete *all, size_t number) {
  struct vlun_place place;
  if (!all->places && !know_places(all)) return;
  if (!place_for(all, &all->model->device[number], &place)) return;
  struct vlun_device *device = &all->model->device[number]; /* after free_place, which may move the devices */
  take_place(all, &place, device);
  struct vlun_draft draft;
  vlun_draft_from(&draft, device->record);
  struct vlun_value *value = vlun_draft_set(&draft, vlun_row_of_key(device->record->shape, "address"), ORIGIN_ASSIGNED);
  value->u.record = address_record(all, &place);
  struct vlun_record *record = vlun_draft_pack(&draft, &all->model->arena);
  if (value->u.record && record) device->record = record;
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static bool know_all(struct complete *all) {
  know_controllers(all->running, all->model);
  for (size_t h = 0; h < all->host_count; h++) {
    if (!vlun_index(all->hosts[h])) return false;
    know_controllers(all->running, all->hosts[h]);
  }
  know_written(all);
  return true;
}

bool vlun_complete(struct vlun_model *model, struct vlun_model *const *hosts, size_t host_count, size_t written) {
  struct complete all = {.model = model, .hosts = hosts, .host_count = host_count, .written = written};
  bool good = know_all(&all);
  if (good) {
    size_t described = model->count;
    fill_gaps(&all, add_named_controllers(&all));
    for (size_t i = 0; i < described; i++) {
      if (!is_new(&all, &model->device[i])) continue;
      bool is_whole = model->device[i].read || elsewhere(&all, &model->device[i]);
      if (!is_whole) fill_defaults(&all, &model->device[i]);
      if (wants_place(&model->device[i])) assign_place(&all, i);
    }
  }
  good = good && !all.arena.failed && !model->arena.failed;
  vlun_arena_free(&all.arena);
  return good;
}

/*
 * internal.h - all that the files of the core share, for those that need most of it.
 * Like the core it must not know Lua, libxml2 or libvirt.
 */
#ifndef VLUN_INTERNAL_H
#define VLUN_INTERNAL_H

#include "arena.h"
#include "model.h"
#include "problem.h"
#include "schema.h"
#include "steps.h"
#include "xml.h"

#endif

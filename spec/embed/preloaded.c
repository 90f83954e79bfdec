/* preloaded.c - states.c with virtlun compiled in: no file of it is needed. */
#define PRELOAD
#include "states.c"

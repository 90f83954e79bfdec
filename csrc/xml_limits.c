/*
 * xml_limits.c - looks at the bytes of a document before libxml2 does, for what it would work on without end: it
 * compares each attribute of an element with every other, and each prefix with every namespace that is open.
 */
#define _GNU_SOURCE /* memmem */

#include <string.h>
#include <strings.h>

#include "xml_common.h"

#define MOST_ATTRIBUTES 250  /* of an element, namespaces included */
#define MOST_NAMESPACES 1000 /* unless there are few elements to look for a namespace */
#define MOST_LOOKS 1000000000
#define MOST_ELEMENTS 1000000 /* comments and the like included; 100,000 drives have 700,000 */

/* --- encodings ---------------------------------------------------------------------------------------- */

/* The encoding that an XML declaration names; NULL if there is none. */
static const char *declared_encoding(const char *xml, size_t len, size_t *size) {
  if (len >= 3 && memcmp(xml, "\xEF\xBB\xBF", 3) == 0) xml += 3, len -= 3;
  if (len < 5 || memcmp(xml, "<?xml", 5) != 0) return NULL;
  const char *end = memchr(xml, '>', len), *name = end ? memmem(xml, (size_t)(end - xml), "encoding", 8) : NULL;
  for (name = name ? name + 8 : end; name && name < end && strchr(" \t\r\n='\"", *name);) name++;
  *size = 0;
  while (name && name + *size < end && !strchr(" \t\r\n'\"?", name[*size])) ++*size;
  return *size ? name : NULL;
}

/* In any other encoding the bytes looked at here would not be the characters that libxml2 sees. */
static bool is_like_ascii(const char *name, size_t size) {
  static const char *const known[] = {"utf-8",     "utf8",        "us-ascii", "ascii",
                                      "iso-8859-", "windows-125", "cp125",    "koi8-"};
  for (size_t i = 0; i < VLUN_COUNT(known); i++)
    if (size >= strlen(known[i]) && strncasecmp(name, known[i], strlen(known[i])) == 0) return true;
  return false;
}

/* --- crowds ------------------------------------------------------------------------------------------- */

/* Behind the next `mark`, or the end. */
static const char *behind(const char *p, const char *end, const char *mark) {
  const char *found = memmem(p, (size_t)(end - p), mark, strlen(mark));
  return found ? found + strlen(mark) : end;
}

static bool begins(const char *p, const char *end, const char *text) {
  return (size_t)(end - p) >= strlen(text) && memcmp(p, text, strlen(text)) == 0;
}

/* Behind the tag that begins at p; `attributes` is how many it has. */
static const char *skip_tag(const char *p, const char *end, size_t *attributes) {
  for (*attributes = 0; p < end && *p != '>'; p++) {
    if (*p != '\'' && *p != '"') continue;
    p = memchr(p + 1, *p, (size_t)(end - p - 1));
    if (!p) return end;
    ++*attributes;
  }
  return p;
}

/* How often a namespace is declared, at most so often as matters. */
static size_t count_namespaces(const char *xml, size_t len) {
  const char *end = xml + len;
  size_t count = 0;
  for (const char *p = xml; (p = memmem(p, (size_t)(end - p), "xmlns", 5)) && count <= MOST_LOOKS; p += 5) count++;
  return count;
}

/* What there is too much of, NULL if there is not; *most is how much would do. */
static const char *find_crowd(const char *xml, size_t len, const char **most) {
  const char *end = xml + len;
  size_t elements = 0, namespaces = count_namespaces(xml, len);
  for (const char *p = xml; (p = memchr(p, '<', (size_t)(end - p)));) {
    size_t attributes = 0;
    elements += !begins(p, end, "</");
    if (begins(p, end, "<!--")) p = behind(p + 4, end, "-->");
    else if (begins(p, end, "<![CDATA[")) p = behind(p, end, "]]>");
    else if (begins(p, end, "<?")) p = behind(p, end, "?>");
    else p = skip_tag(p, end, &attributes);
    *most = attributes > MOST_ATTRIBUTES ? "250" : "1,000,000";
    if (attributes > MOST_ATTRIBUTES) return "attributes in an element";
    if (elements > MOST_ELEMENTS) return "elements";
  }
  *most = "1,000";
  return namespaces > MOST_NAMESPACES && namespaces > MOST_LOOKS / (elements + 1) ? "namespaces" : NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static bool refuse(struct vlun_problems *problems, enum vlun_code code, const char *what, const char *most) {
  vlun_complain(problems, &(struct vlun_spot){0}, "", code, &(struct vlun_args){.a = what, .e = most});
  return false;
}

bool vlun_xml_is_bearable(const char *xml, size_t len, struct vlun_problems *problems) {
  size_t size;
  const char *most;
  if (len > XML_LARGEST) return refuse(problems, P_xml_too_large, NULL, "64 MiB");
  if (memchr(xml, '\0', len)) return refuse(problems, P_xml_encoding, "UTF-16, or has NULs", NULL);
  if (len >= 4 && memcmp(xml, "\x4C\x6F\xA7\x94", 4) == 0) return refuse(problems, P_xml_encoding, "EBCDIC", NULL);
  const char *encoding = declared_encoding(xml, len, &size);
  if (encoding && !is_like_ascii(encoding, size))
    return refuse(problems, P_xml_encoding, vlun_shown(&problems->arena, encoding, size), NULL);
  const char *crowd = find_crowd(xml, len, &most);
  if (crowd) return refuse(problems, P_xml_crowded, crowd, most);
  return true;
}

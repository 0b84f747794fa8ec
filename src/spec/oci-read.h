/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the readers of config.json's objects share; private to src/spec. */

#include "base/json-tree.h"
#include "spec/bundle.h"
#include "spec/oci.h"

typedef struct OciReader {
        const SpecOciFile *file;
        JsonTree tree;
        MachineSpec *spec;
        SpecBundle *bundle;
        char path[256];    /* where we are: "process.scheduler.policy", "mounts[3].options[1]" */
        char refused[256]; /* where it was when the first error was met */
} OciReader;

typedef struct OciKey OciKey;
typedef int (*OciRead)(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);

struct OciKey { /* a row of an object's table */
        const char *name;
        OciRead read;  /* NULL: known, and of no meaning here; said why in the table */
        size_t offset; /* of the member in what `to` points to */
        bool required;
        int64_t low, high;        /* oci_number(), oci_u32() */
        const char *const *names; /* oci_choice() */
};

#define OCI_KEYS(table) (table), ELEMENTSOF(table)

/* All members of an object by its table, in the table's order. */
int oci_object(OciReader *r, const JsonNode *node, const OciKey *keys, size_t n, void *to, Error *e);
/* Each member of an array or an object in turn. */
int oci_each(OciReader *r, const JsonNode *node, JsonType type,
             int (*one)(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e), const OciKey *key, void *to,
             Error *e);
int oci_expect(const JsonNode *node, JsonType type, Error *e);

/* Readers for rows; `to` is the member. */
int oci_string(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* char * */
int oci_bool(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);   /* bool */
int oci_u32(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* uint32_t, low to high when high > 0 */
int oci_i32(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* int32_t */
int oci_u64(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* uint64_t */
int oci_i64(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* int64_t */
int oci_number(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);  /* SpecNumber */
int oci_flag(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);    /* SpecNumber from true, false */
int oci_strings(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* char ** */
int oci_map(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);     /* char **, KEY=VALUE */
int oci_ranges(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);  /* SpecIdRanges */
int oci_refuse(OciReader *r, const JsonNode *node, const OciKey *key, void *to,
               Error *e); /* what there is not; unless it is empty */

/* The index of a string among NULL-terminated names; -EINVAL with *e, which lists them. */
int oci_choice(const JsonNode *node, const char *const *names, Error *e);

/* A path of the host: relative ones are the bundle's. */
char *oci_host_path(const OciReader *r, const char *path);
/* A path inside: absolute, without "..". Relative ones count from "/" where the specification has it so. */
int oci_inside_path(const char *text, char **ret, Error *e);

void oci_warn(const OciReader *r, const char *fmt, ...) _printf_(2, 3);

/* Objects of their own files. */
int oci_process(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);   /* SpecBundle */
int oci_mounts(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);    /* SpecBundle */
int oci_linux(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);     /* SpecBundle */
int oci_resources(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e); /* SpecResources */
int oci_seccomp(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e);   /* SpecSeccomp */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/oci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"
#include "spec/value.h"

/* ---- root ---- */

static int root_path(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        free(r->spec->directory);
        r->spec->directory = oci_host_path(r, node->text);
        spec_mark(r->spec, SPEC_FIELD_DIRECTORY, r->file->name);
        return 0;
}

static int root_read_only(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_bool(r, node, key, &r->spec->read_only, e);

        if (k >= 0)
                spec_mark(r->spec, SPEC_FIELD_READ_ONLY, r->file->name);
        return k;
}

static const OciKey root_keys[] = {
                {"path", root_path, 0, true, 0, 0, NULL},
                {"readonly", root_read_only, 0, false, 0, 0, NULL},
};

static int read_root(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(root_keys), to, e);
}

/* ---- hooks ---- */

static int hook_timeout(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_u32(r, node, key, to, e);
}

static int hook_path(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_string(r, node, key, to, e);

        if (k >= 0 && node->text[0] != '/')
                return error_set(e, -EINVAL, "the path '%s' is not absolute", node->text);
        return k;
}

static const OciKey hook_keys[] = {
                {"path", hook_path, offsetof(SpecHook, path), true, 0, 0, NULL},
                {"args", oci_strings, offsetof(SpecHook, args), false, 0, 0, NULL},
                {"env", oci_strings, offsetof(SpecHook, env), false, 0, 0, NULL},
                {"timeout", hook_timeout, offsetof(SpecHook, timeout), false, 1, INT32_MAX, NULL},
};

static int one_hook(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(hook_keys), vec_push((SpecHooks *)to), e);
}

static int read_hooks_of(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_hook, key, to, e);
}

#define HOOKS(name, kind)                                                                 \
        {                                                                                 \
                name, read_hooks_of, offsetof(SpecBundle, hooks[kind]), false, 0, 0, NULL \
        }
static const OciKey hooks_keys[] = {
                HOOKS("prestart", SPEC_HOOK_PRESTART),
                HOOKS("createRuntime", SPEC_HOOK_CREATE_RUNTIME),
                HOOKS("createContainer", SPEC_HOOK_CREATE_CONTAINER),
                HOOKS("startContainer", SPEC_HOOK_START_CONTAINER),
                HOOKS("poststart", SPEC_HOOK_POSTSTART),
                HOOKS("poststop", SPEC_HOOK_POSTSTOP),
};

static int read_hooks(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(hooks_keys), r->bundle, e);
}

/* ---- names ---- */

#define NAME_MAX_BYTES 64 /* __NEW_UTS_LEN */

static int read_name(const JsonNode *node, char **to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0 || !*node->text)
                return k;
        if (strlen(node->text) > NAME_MAX_BYTES)
                return error_set(e, -EINVAL, "the kernel takes at most %d bytes", NAME_MAX_BYTES);
        free(*to);
        *to = xstrdup(node->text);
        return 0;
}

static int read_hostname(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = read_name(node, &r->spec->hostname, e);

        if (k >= 0 && r->spec->hostname)
                spec_mark(r->spec, SPEC_FIELD_HOSTNAME, r->file->name);
        return k;
}

static int read_domainname(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return read_name(node, &r->bundle->domainname, e);
}

/* ---- the version ---- */

/* SemVer 2.0; all that begins with 1 is compatible by the rules of the specification, up to what we know of it. */
static int read_version(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        unsigned major, minor, patch;
        char rest[2] = "";
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        int n = sscanf(node->text, "%u.%u.%u%1s", &major, &minor, &patch, rest);
        if (n < 3 || (*rest && *rest != '-' && *rest != '+'))
                return error_set(e, -EINVAL, "'%s' is no version of the OCI runtime specification", node->text);
        if (major != 1 || minor > 3)
                return error_set(e, -EOPNOTSUPP, "version %s of the OCI runtime specification is not known; 1.0 to 1.3 are",
                                 node->text);
        r->bundle->version = xstrdup(node->text);
        r->bundle->poststart_must_succeed = minor >= 3;
        return 0;
}

/* ---- the document ---- */

static const OciKey keys[] = {
                {"ociVersion", read_version, 0, true, 0, 0, NULL},
                {"vm", oci_refuse, 0, false, 0, 0, NULL},
                {"annotations", oci_map, offsetof(SpecBundle, annotations), false, 0, 0, NULL},
                {"root", read_root, 0, true, 0, 0, NULL},
                {"mounts", oci_mounts, 0, false, 0, 0, NULL},
                {"process", oci_process, 0, true, 0, 0, NULL},
                {"hostname", read_hostname, 0, false, 0, 0, NULL},
                {"domainname", read_domainname, 0, false, 0, 0, NULL},
                {"hooks", read_hooks, 0, false, 0, 0, NULL},
                {"linux", oci_linux, 0, true, 0, 0, NULL},
};

/* What the command line would be asked for in other words, so that its own words stand for it. */
static void mark_users(OciReader *r)
{
        MachineSpec *s = r->spec;
        const SpecNamespace *n = r->bundle->namespaces;

        s->network = n[SPEC_NAMESPACE_NETWORK].set ? SPEC_NETWORK_PRIVATE : SPEC_NETWORK_HOST;
        spec_mark(s, SPEC_FIELD_NETWORK, r->file->name);
        if (n[SPEC_NAMESPACE_USER].set && r->bundle->uids.n > 0) {
                for (size_t i = 0; i < r->bundle->uids.n; i++)
                        *vec_push(&s->users_map) = r->bundle->uids.items[i];
                spec_mark(s, SPEC_FIELD_USERS_MAP, r->file->name);
        } else {
                s->users = SPEC_USERS_NO;
                spec_mark(s, SPEC_FIELD_USERS, r->file->name);
        }
        s->ownership = SPEC_OWNERSHIP_OFF; /* the bundle's root has the owners that it shall have */
        spec_mark(s, SPEC_FIELD_OWNERSHIP, r->file->name);
        s->console = r->bundle->terminal ? SPEC_CONSOLE_INTERACTIVE : SPEC_CONSOLE_PIPE;
        spec_mark(s, SPEC_FIELD_CONSOLE, r->file->name);
        s->kill_signal = 15; /* what "kill" of an OCI runtime sends when none is named */
        spec_mark(s, SPEC_FIELD_KILL_SIGNAL, r->file->name);
}

int spec_read_oci(MachineSpec *s, const SpecOciFile *file, Error *e)
{
        OciReader r = {.file = file, .spec = s};
        int k = json_tree_read(file->text, file->len, &r.tree, e);

        if (k < 0)
                return error_prefix(e, k, "%s", file->name);
        spec_bundle_free(s->bundle);
        s->bundle = r.bundle = xnew(SpecBundle, 1);
        s->bundle->directory = xstrdup(file->directory);
        spec_mark(s, SPEC_FIELD_BUNDLE, file->name);
        k = oci_object(&r, &r.tree.nodes[0], OCI_KEYS(keys), r.bundle, e);
        json_tree_done(&r.tree);
        if (k < 0 && *r.refused)
                return error_prefix(e, k, "%s: %s", file->name, r.refused);
        if (k < 0)
                return error_prefix(e, k, "%s", file->name);
        mark_users(&r);
        return 0;
}

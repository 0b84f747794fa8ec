/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json: mounts. */

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"

/* MS_* of <sys/mount.h>, which does not go together with <linux/mount.h> everywhere. */
#define UNBINDABLE (UINT64_C(1) << 17)
#define PRIVATE    (UINT64_C(1) << 18)
#define SLAVE      (UINT64_C(1) << 19)
#define SHARED     (UINT64_C(1) << 20)

/* Words that are attributes of a mount; with "r" in front they are those of all mounts below too. The access times are one of three. */
typedef struct AttributeWord {
        const char *word;
        uint64_t set, clear;
} AttributeWord;

static const AttributeWord attribute_words[] = {
                {"ro", MOUNT_ATTR_RDONLY, 0},
                {"rw", 0, MOUNT_ATTR_RDONLY},
                {"nosuid", MOUNT_ATTR_NOSUID, 0},
                {"suid", 0, MOUNT_ATTR_NOSUID},
                {"nodev", MOUNT_ATTR_NODEV, 0},
                {"dev", 0, MOUNT_ATTR_NODEV},
                {"noexec", MOUNT_ATTR_NOEXEC, 0},
                {"exec", 0, MOUNT_ATTR_NOEXEC},
                {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
                {"diratime", 0, MOUNT_ATTR_NODIRATIME},
                {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
                {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
                {"relatime", 0, MOUNT_ATTR__ATIME},
                {"norelatime", 0, MOUNT_ATTR__ATIME},
                {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
                {"atime", 0, MOUNT_ATTR__ATIME},
                {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
                {"nostrictatime", 0, MOUNT_ATTR__ATIME},
};

typedef struct PropagationWord {
        const char *word;
        uint64_t flag;
} PropagationWord;

static const PropagationWord propagation_words[] = {
                {"shared", SHARED}, {"slave", SLAVE}, {"private", PRIVATE}, {"unbindable", UNBINDABLE}};

/* Words of mount(8) that ask for nothing where a file system is mounted for the first time. */
static const char *const empty_words[] = {"defaults", "async", "loud", "silent", "noiversion", "nolazytime", "nomand"};
/* "newinstance": every devpts has been a new one since Linux 4.7. */
static const char *const former_words[] = {"newinstance"};

typedef struct FlagWord {
        const char *word;
        size_t offset;
} FlagWord;

static const FlagWord flag_words[] = {
                {"tmpcopyup", offsetof(SpecBundleMount, copy_up)},
                {"copy-symlink", offsetof(SpecBundleMount, copy_symlink)},
                {"src-nofollow", offsetof(SpecBundleMount, source_nofollow)},
                {"dest-nofollow", offsetof(SpecBundleMount, target_nofollow)},
                {"bind", offsetof(SpecBundleMount, bind)},
                {"idmap", offsetof(SpecBundleMount, idmap)},
};

static bool is_in(const char *word, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (str_eq(words[i], word))
                        return true;
        return false;
}

/* The last word about an attribute counts. */
static bool take_attribute(SpecBundleMount *m, const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(attribute_words); i++) {
                const AttributeWord *a = &attribute_words[i];
                bool all = *word == 'r' && str_eq(word + 1, a->word);
                if (!all && !str_eq(word, a->word))
                        continue;
                uint64_t *set = all ? &m->all_set : &m->set, *clear = all ? &m->all_clear : &m->clear;
                *set = (*set & ~(a->clear | a->set)) | a->set;
                *clear = (*clear & ~a->set) | a->clear;
                return true;
        }
        return false;
}

static bool take_propagation(SpecBundleMount *m, const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(propagation_words); i++) {
                bool all = *word == 'r' && str_eq(word + 1, propagation_words[i].word);
                if (!all && !str_eq(word, propagation_words[i].word))
                        continue;
                m->propagation[all] = propagation_words[i].flag;
                return true;
        }
        return false;
}

static bool take_flag(SpecBundleMount *m, const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(flag_words); i++)
                if (str_eq(flag_words[i].word, word)) {
                        *(bool *)((char *)m + flag_words[i].offset) = true;
                        return true;
                }
        if (str_eq(word, "rbind"))
                return m->bind = m->recursive = true;
        if (str_eq(word, "ridmap"))
                return m->idmap = m->idmap_recursive = true;
        return false;
}

/* crun's "idmap=uids=0-1000-10#5-2000-1;gids=…" is not taken: uidMappings says the same in the specification's own words. */
static int one_option(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecBundleMount *m = to;
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        const char *word = node->text;
        if (str_eq(word, "remount"))
                return error_set(e, -EOPNOTSUPP, "'remount' changes a mount that is there, and these are new ones; leave it out");
        if (str_startswith(word, "idmap=") || str_startswith(word, "ridmap="))
                return error_set(e, -EOPNOTSUPP, "'%s' is not offered; write 'idmap' with uidMappings and gidMappings", word);
        if (take_attribute(m, word) || take_propagation(m, word) || take_flag(m, word) ||
            is_in(word, empty_words, ELEMENTSOF(empty_words)) || is_in(word, former_words, ELEMENTSOF(former_words)))
                return 0;
        if (*word)
                strv_push(&m->options, word); /* the file system's, the kernel has its say */
        return 0;
}

static int read_options(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_option, key, to, e);
}

static int read_target(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0)
                k = oci_inside_path(node->text, to, e);
        if (k >= 0 && str_eq(*(char **)to, "/"))
                return error_set(e, -EINVAL, "nothing can be mounted on '/'; the root comes from root.path");
        return k;
}

static const OciKey keys[] = {
                {"destination", read_target, offsetof(SpecBundleMount, target), true, 0, 0, NULL},
                {"type", oci_string, offsetof(SpecBundleMount, type), false, 0, 0, NULL},
                {"source", oci_string, offsetof(SpecBundleMount, source), false, 0, 0, NULL},
                {"options", read_options, 0, false, 0, 0, NULL},
                {"uidMappings", oci_ranges, offsetof(SpecBundleMount, uids), false, 0, 0, NULL},
                {"gidMappings", oci_ranges, offsetof(SpecBundleMount, gids), false, 0, 0, NULL},
};

static int check_bind(OciReader *r, SpecBundleMount *m, Error *e)
{
        if (!m->source)
                return error_set(e, -EINVAL, "a bind mount needs a source");
        if (m->options)
                return error_set(e, -EINVAL, "the option '%s' is a file system's, and a bind mount is none", m->options[0]);
        if (m->copy_up)
                return error_set(e, -EINVAL, "the option 'tmpcopyup' is for a tmpfs");
        char *path = oci_host_path(r, m->source);
        free(m->source);
        m->source = path;
        free(m->type); /* "none", "bind" or whatever: it does not count */
        m->type = NULL;
        return 0;
}

static int check_mount(OciReader *r, SpecBundleMount *m, Error *e)
{
        if ((m->uids.n > 0) != (m->gids.n > 0))
                return error_set(e, -EINVAL, "uidMappings and gidMappings go together");
        if (m->uids.n > 0)
                m->idmap = true;
        if (str_eq(m->type, "bind"))
                m->bind = true;
        if (m->bind)
                return check_bind(r, m, e);
        if (!m->type || !*m->type)
                return error_set(e, -EINVAL, "neither a type nor the option 'bind' says what to mount");
        if (m->copy_up && !str_eq(m->type, "tmpfs"))
                return error_set(e, -EINVAL, "the option 'tmpcopyup' is for a tmpfs");
        if (m->copy_symlink || m->source_nofollow)
                return error_set(e, -EINVAL, "the option '%s' is for a bind mount",
                                 m->copy_symlink ? "copy-symlink" : "src-nofollow");
        return 0;
}

static int one_mount(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecBundleMount *m = vec_push(&r->bundle->mounts);
        int k = oci_object(r, node, OCI_KEYS(keys), m, e);

        return k < 0 ? k : check_mount(r, m, e);
}

int oci_mounts(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_mount, key, to, e);
}

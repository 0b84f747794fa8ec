/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/str.h"
#include "machine/run-facts.h"

void machine_image_done(MachineImage *i)
{
        store_image_done(&i->image);
        free(i->hostname);
        free(i->machine_id);
        free(i->os);
        *i = (MachineImage){0};
}

void machine_image_list_free(MachineImage *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                machine_image_done(&v[i]);
        free(v);
}

typedef struct Images {
        MachineImage *items;
        size_t n;
} Images;

static int add_images(Store *s, StoreKind kind, Images *all, Error *e)
{
        StoreImage *v = NULL;
        size_t n = 0;
        int r = store_list(s, kind, &v, &n, e);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                MachineImage *m = vec_push(all);
                *m = (MachineImage){.image = v[i], .hidden = kind == STORE_IMAGE}; /* takes over what it points to */
                store_usage(s, &m->image, &m->usage);
        }
        free(v);
        return r;
}

int machine_image_list(const MachineHost *h, bool all, MachineImage **ret, size_t *ret_n, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        Images images = {0};
        int r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = add_images(s, STORE_MACHINE, &images, e);
        if (r >= 0 && all)
                r = add_images(s, STORE_IMAGE, &images, e);
        if (r < 0) {
                machine_image_list_free(images.items, images.n);
                return r;
        }
        *ret = images.items;
        *ret_n = images.n;
        return 0;
}

static char *first_line(char *text)
{
        if (text)
                text[strcspn(text, "\n")] = '\0';
        return text;
}

int machine_image_info(const MachineHost *h, const char *name, MachineImage *ret, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        StoreSnapshot *snapshots = NULL;
        MachineImage i = {0};
        ImageOs os;
        int r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = store_find(s, STORE_MACHINE, name, &i.image, e);
        if (r >= 0)
                r = store_snapshots(s, name, &snapshots, &i.n_snapshots, e);
        if (r < 0) {
                machine_image_done(&i);
                return r;
        }
        store_snapshots_free(snapshots, i.n_snapshots);
        store_usage(s, &i.image, &i.usage);
        machine_image_os(&i.image, &os);
        i.os = TAKE_PTR(os.pretty);
        machine_image_os_done(&os);
        i.hostname = first_line(machine_image_text(&i.image, "/etc/hostname"));
        i.machine_id = first_line(machine_image_text(&i.image, "/etc/machine-id"));
        *ret = i;
        return 0;
}

int machine_pool(const MachineHost *h, MachinePool *ret, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        struct statvfs fs;
        int r = store_open(h->machines_dir, &s, e);
        if (r < 0)
                return r;
        if (statvfs(h->machines_dir, &fs) < 0)
                return error_sys(e, -errno, "cannot read how full the file system of '%s' is", h->machines_dir);
        *ret = (MachinePool){
                        .driver = store_default_driver(s),
                        .used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize,
                        .size = (uint64_t)fs.f_blocks * fs.f_frsize,
        };
        return 0;
}

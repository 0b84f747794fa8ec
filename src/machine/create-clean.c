/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-lock.h"
#include "machine/create-pull.h"
#include "machine/create-seed.h"
#include "machine/create.h"

/* Images made for another driver than the store's own have its name at the end. */
static bool is_led_to(char *const *keys, const StoreImage *image)
{
        _cleanup_free_ char *end = xasprintf("-%s", store_driver_name(image->driver));
        const char *cut = str_endswith(image->name, end);
        _cleanup_free_ char *key = cut ? xstrndup(image->name, (size_t)(cut - image->name)) : NULL;

        return strv_contains(keys, image->name) || (key && strv_contains(keys, key));
}

/* An image that is being cloned is in use, and stays. */
static int clean_images(const MachineHost *h, char *const *keys, size_t *ret, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        StoreImage *images = NULL;
        size_t n = 0;
        int r = store_open(h->machines_dir, &s, e);

        if (r >= 0)
                r = store_list(s, STORE_IMAGE, &images, &n, e);
        for (size_t i = 0; i < n && r >= 0; i++) {
                if (is_led_to(keys, &images[i]))
                        continue;
                r = store_remove(s, &images[i], e);
                if (r >= 0)
                        (*ret)++;
                else if (r == -EBUSY)
                        r = 0;
        }
        store_images_free(images, n);
        return r;
}

int machine_clean_cache(const MachineHost *h, Error *e)
{
        _cleanup_(distro_cleaned_done) DistroCleaned cleaned = {0};
        size_t images = 0;
        char size[32];

        create_clear_killed(h);
        int r = distro_clean(h->cache_dir, &cleaned, e);
        if (r >= 0)
                r = clean_images(h, cleaned.keys, &images, e);
        if (r < 0)
                return r;
        machine_pull_clean_cache(h);
        seed_clean_logs(h);
        str_format_bytes(size, sizeof(size), cleaned.bytes);
        events_note(&h->events, "Removed %zu files from the cache (%s) and %zu images that nothing leads to.", cleaned.files,
                    size, images);
        return 0;
}

/* ---- machinectl's clean ---- */

typedef struct Cleaning {
        const MachineHost *host;
        size_t n;
} Cleaning;

/* What is in use, or marked read-only, stays; the user hears of it. */
static int clean_kind(Cleaning *c, StoreKind kind, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        StoreImage *images = NULL;
        size_t n = 0;
        int r = store_open(c->host->machines_dir, &s, e);

        if (r >= 0)
                r = store_list(s, kind, &images, &n, e);
        for (size_t i = 0; i < n && r >= 0; i++) {
                Error why = {0};
                r = kind == STORE_IMAGE ? store_remove(s, &images[i], &why) : machine_remove(c->host, images[i].name, &why);
                if (r >= 0) {
                        c->n++;
                        events_note(&c->host->events, "Removed '%s'", images[i].name);
                } else if (r == -EBUSY || r == -EROFS) {
                        events_warning(&c->host->events, "'%s' stays: %s", images[i].name, why.message);
                        r = 0;
                } else if (e)
                        *e = why;
        }
        store_images_free(images, n);
        return r;
}

int machine_clean(const MachineHost *h, bool all, Error *e)
{
        Cleaning c = {.host = h};

        create_clear_killed(h);
        int r = clean_kind(&c, STORE_IMAGE, e);
        if (r >= 0 && all)
                r = clean_kind(&c, STORE_MACHINE, e);
        if (r >= 0)
                events_note(&h->events, c.n == 1 ? "%zu image removed." : "%zu images removed.", c.n);
        return r;
}

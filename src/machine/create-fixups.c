/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-fixups.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-facts.h"

#define PASSWORD_MAX 4096
#define SALT_CHARS   16

typedef struct Fix {
        const MachineHost *host;
        const CreateFixups *options;
        const StoreImage *made;
} Fix;

/* ---- files of the new machine ---- */

static bool has(const Fix *f, const char *path)
{
        _cleanup_close_ int fd = store_image_open(f->made, path, O_PATH | O_NOFOLLOW);
        return fd >= 0;
}

static bool is_regular(const Fix *f, const char *path, struct stat *ret)
{
        _cleanup_close_ int fd = store_image_open(f->made, path, O_PATH | O_NOFOLLOW);
        return fd >= 0 && fstat(fd, ret) == 0 && S_ISREG(ret->st_mode);
}

static int failed(const Fix *f, const char *path, int code, Error *e)
{
        return error_sys(e, code, "cannot change '%s' of machine '%s'", path, f->made->name);
}

/* With the mode and the owner that it has. */
static int rewrite(const Fix *f, const char *path, const char *text, const struct stat *st, Error *e)
{
        int r = store_image_write(f->made, path, text, st->st_mode & 07777);
        _cleanup_close_ int fd = r < 0 ? -1 : store_image_open(f->made, path, O_RDONLY | O_NOFOLLOW);

        if (r >= 0 && (fd < 0 || fchown(fd, st->st_uid, st->st_gid) < 0))
                r = fd < 0 ? fd : -errno;
        return r < 0 ? failed(f, path, r, e) : 1;
}

static int replace_link(const Fix *f, const char *path, const char *target, Error *e)
{
        int r = store_image_unlink(f->made, path);

        if (r >= 0 || r == -ENOENT)
                r = store_image_symlink(f->made, target, path);
        return r < 0 ? failed(f, path, r, e) : 1;
}

/* What becomes of a line: NULL, it stays. */
typedef char *(*LineFunction)(const char *line, const void *ctx);

/* 1: the file was changed. */
static int edit_lines(const Fix *f, const char *path, LineFunction edit, const void *ctx, Error *e)
{
        struct stat st;
        _cleanup_free_ char *text = is_regular(f, path, &st) ? machine_image_text(f->made, path) : NULL;
        _cleanup_buf_ Buf out = {0};
        bool changed = false;

        for (char *line = text; line && *line;) {
                size_t n = strcspn(line, "\n");
                bool ended = line[n] == '\n';
                line[n] = '\0';
                _cleanup_free_ char *other = edit(line, ctx);
                changed = changed || other;
                buf_addf(&out, "%s%s", other ?: line, ended ? "\n" : "");
                line += n + ended;
        }
        return changed ? rewrite(f, path, out.data, &st, e) : 0;
}

static char *comment_out(const char *line)
{
        return xasprintf("#%s", line);
}

/* ---- the rows ---- */

/* A table of mounts that programs wrote themselves says nothing true in a container. */
static int fix_mtab(const Fix *f, Error *e)
{
        struct stat st;

        return is_regular(f, "/etc/mtab", &st) ? replace_link(f, "/etc/mtab", "../proc/self/mounts", e) : 0;
}

static char *no_entry(const char *line, const void *ctx)
{
        const char *first = line + strspn(line, " \t");
        return *first && *first != '#' ? comment_out(line) : NULL;
}

/* Disks of another machine: a boot would wait for them. */
static int fix_fstab(const Fix *f, Error *e)
{
        return edit_lines(f, "/etc/fstab", no_entry, NULL, e);
}

static char *no_securetty(const char *line, const void *ctx)
{
        return line[0] != '#' && strstr(line, "pam_securetty") ? comment_out(line) : NULL;
}

/* It knows the names of real terminals only, and root could not log in on a container's. */
static int fix_securetty(const Fix *f, Error *e)
{
        _cleanup_strv_ char **names = NULL;
        int r = 0, any = 0;

        (void)store_image_names(f->made, "/etc/pam.d", &names);
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = path_join("/etc/pam.d", *name);
                r = r < 0 ? r : edit_lines(f, path, no_securetty, NULL, e);
                any = any || r > 0;
        }
        return r < 0 ? r : any;
}

/* id:runlevels:action:process of inittab(5), whose process is a getty on a virtual terminal. */
static char *no_virtual_terminal(const char *line, const void *ctx)
{
        const char *tty = line[0] != '#' && strstr(line, "getty") ? strstr(line, "tty") : NULL;

        for (; tty; tty = strstr(tty + 1, "tty"))
                if (tty[3] >= '1' && tty[3] <= '9' && strchr(" \t\n:", tty[-(tty > line)]))
                        return comment_out(line);
        return NULL;
}

/* There is one console and no virtual terminal. systemd sees to that itself. */
static int fix_console(const Fix *f, Error *e)
{
        struct stat st;
        int r = edit_lines(f, "/etc/inittab", no_virtual_terminal, NULL, e);
        _cleanup_free_ char *text =
                        r > 0 && is_regular(f, "/etc/inittab", &st) ? machine_image_text(f->made, "/etc/inittab") : NULL;

        if (!text)
                return r;
        const char *line = has(f, "/sbin/agetty") ? "co:12345:respawn:/sbin/agetty --noclear 38400 console linux"
                                                  : "console::respawn:/sbin/getty 38400 console"; /* of BusyBox */
        _cleanup_free_ char *all = xasprintf("%s%s%s\n", text, *text && text[strlen(text) - 1] != '\n' ? "\n" : "", line);
        return rewrite(f, "/etc/inittab", all, &st, e);
}

/* ---- the network ---- */

static bool has_unit(const Fix *f, const char *name)
{
        static const char *const places[] = {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = path_join(places[i], name);
                if (has(f, path))
                        return true;
        }
        return false;
}

/* As `systemctl enable` does it, for who is in none of its target's directories yet; a mask stays. */
static int enable(const Fix *f, const char *unit, const char *target, Error *e)
{
        _cleanup_free_ char *link = xasprintf("/etc/systemd/system/%s.wants/%s", target, unit),
                            *file = xasprintf("/usr/lib/systemd/system/%s", unit),
                            *vendor = xasprintf("/usr/lib/systemd/system/%s.wants/%s", target, unit),
                            *own = path_join("/etc/systemd/system", unit);
        if (!has_unit(f, unit) || has(f, own) || has(f, link) || has(f, vendor))
                return 0;
        int r = store_image_symlink(f->made, file, link);
        return r < 0 ? failed(f, link, r, e) : 1;
}

/* Another manager of networks would be at odds with it. */
static bool has_manager(const Fix *f)
{
        return has_unit(f, "NetworkManager.service") || has_unit(f, "connman.service") || has_unit(f, "wicked.service");
}

/* OpenRC has dhcpcd, for host0 alone: where the machine has the host's network there is no such link, and nothing to do. */
static int enable_dhcpcd(const Fix *f, Error *e)
{
        static const char conf[] = "/etc/dhcpcd.conf", link[] = "/etc/runlevels/default/dhcpcd";
        struct stat st = {.st_mode = 0644};

        if (!has(f, "/etc/init.d/dhcpcd") || !has(f, "/etc/runlevels/default") || has(f, link))
                return 0;
        _cleanup_free_ char *text = is_regular(f, conf, &st) ? machine_image_text(f->made, conf) : NULL;
        _cleanup_free_ char *all = xasprintf("%s\nallowinterfaces host0\n", text ?: "");
        int r = text ? rewrite(f, conf, all, &st, e) : store_image_write(f->made, conf, all, 0644);
        if (r >= 0)
                r = store_image_symlink(f->made, "/etc/init.d/dhcpcd", link);
        return r < 0 ? failed(f, link, r, e) : 1;
}

/* Its file 80-container-host0.network asks for an address on host0. Without that link, or without the right to, it does nothing. */
static int fix_network(const Fix *f, Error *e)
{
        if (has(f, "/etc/runlevels"))
                return enable_dhcpcd(f, e);
        return has_manager(f) ? 0 : enable(f, "systemd-networkd.service", "multi-user.target", e);
}

static char *no_loopback_server(const char *line, const void *ctx)
{
        const char *address = str_startswith(line, "nameserver");

        address = address ? address + strspn(address, " \t") : NULL;
        return address && (str_startswith(address, "127.") || str_startswith(address, "::1")) ? comment_out(line) : NULL;
}

/* systemd-resolved where it is; a server on the loopback of another machine answers nobody here. */
static int fix_resolv_conf(const Fix *f, Error *e)
{
        static const char conf[] = "/etc/resolv.conf", unit[] = "systemd-resolved.service";
        bool resolved = has_unit(f, unit) && !has(f, "/etc/runlevels");

        if (!resolved)
                return edit_lines(f, conf, no_loopback_server, NULL, e);
        if (has(f, conf))
                return 0;
        int r = store_image_symlink(f->made, "../run/systemd/resolve/stub-resolv.conf", conf);
        if (r >= 0)
                r = enable(f, unit, "sysinit.target", e);
        else
                failed(f, conf, r, e);
        return r < 0 ? r : 1;
}

typedef struct Row {
        const char *name, *done;
        int (*fix)(const Fix *f, Error *e); /* 1: it was needed */
} Row;

static const Row rows[] = {
                {"mtab", "/etc/mtab is a link to the kernel's table", fix_mtab},
                {"fstab", "entries of /etc/fstab are commented out", fix_fstab},
                {"securetty", "root may log in on any terminal: pam_securetty is commented out", fix_securetty},
                {"console", "/etc/inittab has a login on the console, and none on virtual terminals", fix_console},
                {"network", "the machine asks for an address on host0", fix_network},
                {"resolv-conf", "/etc/resolv.conf names no server of another machine's", fix_resolv_conf},
};

/* ---- what was asked for ---- */

/* crypt(3)'s hash of what the file holds, unless it is one already. */
static char *password_hash(const char *password)
{
        static const char chars[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        char salt[] = "$6$0123456789abcdef";
        unsigned char random[SALT_CHARS];

        if (password[0] == '$' && strchr(password + 1, '$'))
                return xstrdup(password);
        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return NULL;
        for (size_t i = 0; i < SALT_CHARS; i++)
                salt[3 + i] = chars[random[i] % 64];
        const char *hash = crypt(password, salt);
        return hash && hash[0] == '$' ? xstrdup(hash) : NULL;
}

static int read_password(const char *path, char **ret, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(AT_FDCWD, path, PASSWORD_MAX, &text, NULL);

        if (r < 0)
                return error_sys(e, r, "cannot read the password in '%s'", path);
        text[strcspn(text, "\n")] = '\0';
        if (!*text || (text[0] == '$' && strchr(text, ':')))
                r = error_set(e, -EINVAL, "'%s' holds no password, nor the hash of one, in its first line", path);
        else
                *ret = xstrdup(text);
        explicit_bzero(text, strlen(text));
        return r;
}

static char *with_hash(const char *line, const void *hash)
{
        const char *rest = str_startswith(line, "root:");
        return rest ? xasprintf("root:%s%s", (const char *)hash, rest + strcspn(rest, ":")) : NULL;
}

static int set_password(const Fix *f, Error *e)
{
        char *password = NULL;
        int r = read_password(f->options->root_password_file, &password, e);

        if (r < 0)
                return r;
        _cleanup_free_ char *hash = password_hash(password);
        explicit_bzero(password, strlen(password));
        free(password);
        if (!hash)
                return error_set(e, -ENOSYS, "crypt(3) makes no SHA-512 hash here; put a hash into '%s'",
                                 f->options->root_password_file);
        r = edit_lines(f, "/etc/shadow", with_hash, hash, e);
        if (r == 0)
                return error_set(e, -ENOENT, "machine '%s' has no root in /etc/shadow whose password could be set",
                                 f->made->name);
        return r;
}

/* Where systemd, Debian and Gentoo's OpenRC read it. */
static int set_locale(const Fix *f, Error *e)
{
        static const char *const places[] = {"/etc/locale.conf", "/etc/default/locale", "/etc/env.d/02locale"};
        _cleanup_free_ char *text = xasprintf("LANG=%s\n", f->options->locale);
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(places) && r >= 0; i++) {
                _cleanup_free_ char *dir = path_dirname(places[i]);
                if (has(f, dir))
                        r = store_image_write(f->made, places[i], text, 0644);
                if (r < 0)
                        failed(f, places[i], r, e);
        }
        return r;
}

static int set_timezone(const Fix *f, Error *e)
{
        _cleanup_free_ char *zone = path_join("/usr/share/zoneinfo", f->options->timezone), *target = xasprintf("..%s", zone),
                            *text = xasprintf("%s\n", f->options->timezone);
        _cleanup_close_ int fd = store_image_open(f->made, zone, O_PATH);
        struct stat st;

        if (fd < 0)
                return error_set(e, -ENOENT, "machine '%s' does not know the time zone '%s': it has no '%s'", f->made->name,
                                 f->options->timezone, zone);
        int r = replace_link(f, "/etc/localtime", target, e);
        if (r >= 0 && is_regular(f, "/etc/timezone", &st)) /* where it is, it has to say the same */
                r = rewrite(f, "/etc/timezone", text, &st, e);
        return r;
}

/* ---- all of it ---- */

static bool is_word(const char *s)
{
        return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-/")] == '\0';
}

static int unknown_fixup(const char *name, Error *e)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                strv_push(&names, rows[i].name);
        _cleanup_free_ char *list = strv_join(names, ", ");
        return error_set(e, -EINVAL, "'%s' is no fix-up: there are %s, and none", name, list);
}

int create_fixups_check(const CreateFixups *f, Error *e)
{
        STRV_FOREACH (name, f->names) {
                bool known = str_eq(*name, "none") && strv_len(f->names) == 1;
                for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                        known = known || str_eq(*name, rows[i].name);
                if (!known)
                        return unknown_fixup(*name, e);
        }
        if (f->locale && (!is_word(f->locale) || strchr(f->locale, '/')))
                return error_set(e, -EINVAL, "'%s' is no locale; write for example --locale=C.UTF-8", f->locale);
        if (f->timezone && (!is_word(f->timezone) || path_is_absolute(f->timezone) || !path_is_normalized(f->timezone)))
                return error_set(e, -EINVAL, "'%s' is no time zone; write for example --timezone=Europe/Berlin", f->timezone);
        if (!f->root_password_file)
                return 0;
        char *password = NULL;
        int r = read_password(f->root_password_file, &password, e);
        if (password)
                explicit_bzero(password, strlen(password));
        free(password);
        return r;
}

static int asked_for(const Fix *f, Error *e)
{
        int r = f->options->root_password_file ? set_password(f, e) : 0;

        if (r >= 0 && f->options->locale)
                r = set_locale(f, e);
        if (r >= 0 && f->options->timezone)
                r = set_timezone(f, e);
        return MIN(r, 0);
}

int create_fixups_apply(const MachineHost *h, const CreateFixups *options, const StoreImage *made, Error *e)
{
        const Fix f = {.host = h, .options = options, .made = made};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (options->names && !strv_contains(options->names, rows[i].name))
                        continue;
                int r = rows[i].fix(&f, e);
                if (r < 0)
                        return r;
                if (r > 0)
                        events_note(&h->events, "%s: %s", rows[i].name, rows[i].done);
        }
        return asked_for(&f, e);
}

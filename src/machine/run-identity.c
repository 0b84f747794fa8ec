/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

/* What the system inside makes anew when it is not there. Names with an asterisk at the end begin so. */
typedef struct Trait {
        const char *what, *dir, *name;
        bool keep_empty; /* what it makes anew only if the file is there */
} Trait;

#define SSH_KEYS "SSH host keys"
#define SEED     "random seed"
#define DHCP     "DHCP DUID and leases"

static const Trait traits[] = {
                {"machine-id", "/etc", "machine-id", true}, /* a missing one means first boot to systemd */
                {"machine-id", "/var/lib/dbus", "machine-id"},
                {SSH_KEYS, "/etc/ssh", "ssh_host_*"},
                {SEED, "/var/lib/systemd", "random-seed"},
                {SEED, "/var/lib/urandom", "random-seed"}, /* sysvinit */
                {SEED, "/var/lib/misc", "random-seed"},    /* OpenRC */
                {SEED, "/var/lib", "random-seed"},
                {SEED, "/var/lib/seedrng", "seed.*"}, /* OpenRC, BusyBox */
                {DHCP, "/var/lib/dhcp", "dhclient*"},
                {DHCP, "/var/lib/dhclient", "dhclient*"},
                {DHCP, "/var/lib/dhcpcd", "*"},
                {DHCP, "/var/lib/dhcpcd5", "*"},
                {DHCP, "/etc", "dhcpcd.duid"},
                {DHCP, "/var/lib/NetworkManager", "secret_key"}, /* of which it makes the DUID */
                {DHCP, "/var/lib/NetworkManager", "internal-*"},
                {DHCP, "/var/lib/NetworkManager", "dhclient-*"},
                {DHCP, "/var/lib/wicked", "*"},
                {"names of network interfaces", "/etc/udev/rules.d", "70-persistent-net.rules"}, /* by MAC address */
};

void identity_done(Identity *i)
{
        i->reset = strv_free(i->reset);
}

static void note(Identity *i, const char *what)
{
        if (!strv_contains(i->reset, what))
                strv_push(&i->reset, what);
}

static int failed(const StoreImage *made, const char *path, int code, Error *e)
{
        return error_sys(e, code, "cannot change '%s' of machine '%s'", path, made->name);
}

/* Regular files, and with `full` only those with something in them. */
static bool has_file(const StoreImage *made, const char *path, bool full)
{
        _cleanup_close_ int fd = store_image_open(made, path, O_PATH | O_NOFOLLOW);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!full || st.st_size > 0);
}

static int reset_file(Identity *i, const StoreImage *made, const Trait *t, const char *name, Error *e)
{
        _cleanup_free_ char *path = xasprintf("%s/%s", t->dir, name);

        if (!has_file(made, path, t->keep_empty))
                return 0;
        int r = t->keep_empty ? store_image_write(made, path, "", 0444) : store_image_unlink(made, path);
        if (r < 0)
                return failed(made, path, r, e);
        note(i, t->what);
        return 0;
}

static int reset_trait(Identity *i, const StoreImage *made, const Trait *t, Error *e)
{
        _cleanup_free_ char *prefix = xstrndup(t->name, strcspn(t->name, "*"));
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        if (str_eq(prefix, t->name))
                return reset_file(i, made, t, t->name, e);
        if (store_image_names(made, t->dir, &names) < 0)
                return 0; /* no directory */
        STRV_FOREACH (name, names)
                if (r >= 0 && str_startswith(*name, prefix))
                        r = reset_file(i, made, t, *name, e);
        return r;
}

/* ---- new SSH keys ---- */

#define UNIT_DIR "/etc/systemd/system"
#define UNIT     "berth-ssh-host-keys.service"

/* On Debian and its like only the installation of the package makes keys, or the very first boot, which a clone's is not. Where something
 * else makes them, it finds them made. */
static const char unit[] = "# A copy of a machine has SSH host keys of its own: made when it starts and has none.\n"
                           "[Unit]\n"
                           "Description=New SSH Host Keys\n"
                           "DefaultDependencies=no\n"
                           "ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key\n"
                           "After=local-fs.target systemd-remount-fs.service\n"
                           "Before=sysinit.target shutdown.target\n"
                           "Conflicts=shutdown.target\n"
                           "\n"
                           "[Service]\n"
                           "Type=oneshot\n"
                           "ExecStart=/usr/bin/ssh-keygen -A\n";

static int renew_ssh_keys(Identity *i, const StoreImage *made, Error *e)
{
        if (!strv_contains(i->reset, SSH_KEYS) || has_file(made, UNIT_DIR "/" UNIT, false))
                return 0;
        if (!has_file(made, "/usr/lib/systemd/systemd", false) || !has_file(made, "/usr/bin/ssh-keygen", false)) {
                i->keys_missing = !has_file(made, "/etc/conf.d/sshd", false); /* OpenRC's script makes them */
                return 0;
        }
        int r = store_image_write(made, UNIT_DIR "/" UNIT, unit, 0644);
        if (r >= 0)
                r = store_image_symlink(made, "../" UNIT, UNIT_DIR "/sysinit.target.wants/" UNIT);
        return r < 0 && r != -EEXIST ? failed(made, UNIT_DIR "/" UNIT, r, e) : 0;
}

/* ---- the name ---- */

static bool wants_name(const Identity *i, const StoreImage *made)
{
        if (!i->old_name)
                return true;
        _cleanup_close_ int fd = store_image_open(made, "/etc/hostname", O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *text = NULL;
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || file_read_fd(fd, 4096, &text, NULL) < 0)
                return false;
        return str_eq(str_strip(text), i->old_name);
}

static int rename_machine(Identity *i, const StoreImage *made, Error *e)
{
        if (!wants_name(i, made))
                return 0;
        _cleanup_free_ char *text = xasprintf("%s\n", made->name);
        int r = store_image_write(made, "/etc/hostname", text, 0644);
        if (r < 0)
                return failed(made, "/etc/hostname", r, e);
        note(i, "hostname");
        return 0;
}

int identity_renew(void *identity, const StoreImage *made, Error *e)
{
        Identity *i = identity;
        int r = rename_machine(i, made, e);

        for (size_t n = 0; n < ELEMENTSOF(traits) && r >= 0; n++)
                r = reset_trait(i, made, &traits[n], e);
        return r < 0 ? r : renew_ssh_keys(i, made, e);
}

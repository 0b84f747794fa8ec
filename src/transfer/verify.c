/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "transfer/armor.h"
#include "transfer/gpg-status.h"
#include "transfer/transfer.h"

#define KEYRING_MAX     (16U * 1024 * 1024)
#define TEXT_MAX        (64U * 1024 * 1024)
#define STATUS_MAX      (1024U * 1024)
#define KEYRINGS_MAX    32U
#define CLEARSIGN_BEGIN "-----BEGIN PGP SIGNED MESSAGE-----"

/* In the child: 0 /dev/null, 1 the text, 2 what gpgv says to humans, then the status and the dearmored keyrings. */
#define STATUS_FD  3
#define KEYRING_FD 4

typedef struct Gpgv {
        char **argv;
        int keyrings[KEYRINGS_MAX];
        size_t n_keyrings;
        int text, status, talk; /* memory files: no reading while it runs */
} Gpgv;

static void gpgv_done(Gpgv *g)
{
        strv_free(g->argv);
        for (size_t i = 0; i < g->n_keyrings; i++)
                fd_close(g->keyrings[i]);
        fd_close(g->text);
        fd_close(g->status);
        fd_close(g->talk);
}

static int gpgv_init(Gpgv *g, Error *e)
{
        *g = (Gpgv){.text = memfd_create("text", MFD_CLOEXEC),
                    .status = memfd_create("status", MFD_CLOEXEC),
                    .talk = memfd_create("talk", MFD_CLOEXEC)};
        strv_push(&g->argv, "gpgv");
        strv_pushf(&g->argv, "--status-fd=%d", STATUS_FD);
        if (g->text < 0 || g->status < 0 || g->talk < 0)
                return error_sys(e, -EMFILE, "cannot make memory files for gpgv");
        return 0;
}

/* ---- keyrings ---- */

static int dearmor(const char *text, const char *path, Error *e)
{
        _cleanup_buf_ Buf keys = {};
        _cleanup_close_ int fd = -1;
        int r = armor_decode(text, &keys);

        if (r < 0)
                return error_set(e, r, "keyring '%s' is damaged", path);
        fd = memfd_create("keyring", MFD_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot make a memory file");
        r = fd_write_all(fd, keys.data, keys.len);
        return r < 0 ? error_sys(e, r, "cannot write a memory file") : TAKE_FD(fd);
}

/* gpgv looks for a name without a slash in its home, and so gets absolute ones. */
static int add_keyring(Gpgv *g, const char *path, Error *e)
{
        _cleanup_free_ char *data = NULL;
        size_t len;
        int r = file_read_at(AT_FDCWD, path, KEYRING_MAX, &data, &len);

        if (r < 0)
                return error_sys(e, r, "cannot read keyring '%s'", path);
        if (!armor_is(data)) {
                _cleanup_free_ char *absolute = realpath(path, NULL);
                if (!absolute)
                        return error_sys(e, -errno, "cannot read keyring '%s'", path);
                strv_pushf(&g->argv, "--keyring=%s", absolute);
                return 0;
        }
        if (g->n_keyrings == KEYRINGS_MAX)
                return error_set(e, -E2BIG, "more than %u keyrings in ASCII armor", KEYRINGS_MAX);
        int fd = dearmor(data, path, e);
        if (fd < 0)
                return fd;
        strv_pushf(&g->argv, "--keyring=/proc/self/fd/%zu", KEYRING_FD + g->n_keyrings);
        g->keyrings[g->n_keyrings++] = fd;
        return 0;
}

static int add_keyrings(Gpgv *g, char *const *keyrings, Error *e)
{
        if (strv_len(keyrings) == 0)
                return error_set(e, -ENOKEY,
                                 "no keyring to verify signatures with; install the distribution's archive keyring, or name one "
                                 "with "
                                 "--keyring=FILE");
        STRV_FOREACH (k, keyrings) {
                int r = add_keyring(g, *k, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- running it ---- */

/* dup2(2) onto a low number must not hit a descriptor that is still to be passed: they are all moved above the low ones first. */
static int lift(int *fd)
{
        int high = fcntl(*fd, F_DUPFD_CLOEXEC, (int)(KEYRING_FD + KEYRINGS_MAX));

        if (high < 0)
                return -errno;
        (void)close(*fd);
        *fd = high;
        return 0;
}

static int lift_all(Gpgv *g)
{
        int r = lift(&g->text);

        if (r >= 0)
                r = lift(&g->status);
        if (r >= 0)
                r = lift(&g->talk);
        for (size_t i = 0; r >= 0 && i < g->n_keyrings; i++)
                r = lift(&g->keyrings[i]);
        return r;
}

static int spawn(const Gpgv *g, pid_t *ret)
{
        static char *const env[] = {(char *)"LC_ALL=C", (char *)"PATH=/usr/local/bin:/usr/bin:/bin",
                                    (char *)"GNUPGHOME=/nonexistent", (char *)"HOME=/nonexistent", NULL};
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, g->text, 1);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, g->talk, 2);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, g->status, STATUS_FD);
        for (size_t i = 0; r == 0 && i < g->n_keyrings; i++)
                r = posix_spawn_file_actions_adddup2(&actions, g->keyrings[i], (int)(KEYRING_FD + i));
        if (r == 0)
                r = posix_spawnp(ret, "gpgv", &actions, NULL, g->argv, env);
        (void)posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int run(Gpgv *g, Error *e)
{
        pid_t pid;
        int status, r = lift_all(g);

        if (r >= 0)
                r = spawn(g, &pid);
        if (r == -ENOENT)
                return error_set(e, r,
                                 "gpgv is not installed, which verifies signatures; install it (package gpgv, gnupg or gnupg2)");
        if (r < 0)
                return error_sys(e, r, "cannot run gpgv");
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for gpgv");
        if (WIFSIGNALED(status))
                return error_set(e, -EIO, "gpgv was killed by signal %d", WTERMSIG(status));
        return 0;
}

static int read_back(int fd, size_t limit, char **ret, size_t *ret_len)
{
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : file_read_fd(fd, limit, ret, ret_len);
}

/* The status decides, not the exit code: that is 2 also when one of several signatures is by a key that the keyring lacks. */
static int judge(const Gpgv *g, const char *what, Error *e)
{
        _cleanup_free_ char *status = NULL, *talk = NULL;
        int r = read_back(g->status, STATUS_MAX, &status, NULL);

        if (r >= 0)
                r = read_back(g->talk, STATUS_MAX, &talk, NULL);
        if (r < 0)
                return error_sys(e, r, "cannot read what gpgv says");
        if (!*status) {
                talk[strcspn(talk, "\n")] = '\0';
                return error_set(e, -EKEYREJECTED, "%s: gpgv cannot verify it: %s", what, talk);
        }
        return gpg_status_judge(status, what, e);
}

/* One signed text, from the first line on. Of several, gpgv would give all texts for one good signature; inside a text
 * such a line is escaped with a dash. */
static int check_clearsigned(const char *path, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL);

        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", path);
        if (!str_startswith(text, CLEARSIGN_BEGIN))
                return error_set(e, -EKEYREJECTED, "%s: it is not signed", path_basename(path));
        if (strstr(text, "\n" CLEARSIGN_BEGIN))
                return error_set(e, -EKEYREJECTED, "%s: it holds more than one signed text, which is refused",
                                 path_basename(path));
        return 0;
}

int verify_clearsigned(const char *path, char *const *keyrings, char **ret_text, size_t *ret_len, Error *e)
{
        __attribute__((cleanup(gpgv_done))) Gpgv g;
        int r = gpgv_init(&g, e);

        if (r >= 0)
                r = check_clearsigned(path, e);
        if (r >= 0)
                r = add_keyrings(&g, keyrings, e);
        if (r < 0)
                return r;
        strv_push(&g.argv, "--output=-");
        strv_push(&g.argv, "--");
        strv_push(&g.argv, path);
        r = run(&g, e);
        if (r >= 0)
                r = judge(&g, path_basename(path), e);
        if (r < 0)
                return r;
        r = read_back(g.text, TEXT_MAX, ret_text, ret_len);
        return r < 0 ? error_sys(e, r, "cannot read the signed text of '%s'", path) : 0;
}

int verify_detached(const char *path, const char *signature, char *const *keyrings, Error *e)
{
        __attribute__((cleanup(gpgv_done))) Gpgv g;
        int r = gpgv_init(&g, e);

        if (r >= 0)
                r = add_keyrings(&g, keyrings, e);
        if (r < 0)
                return r;
        strv_push(&g.argv, "--");
        strv_push(&g.argv, signature);
        strv_push(&g.argv, path);
        r = run(&g, e);
        return r < 0 ? r : judge(&g, path_basename(path), e);
}

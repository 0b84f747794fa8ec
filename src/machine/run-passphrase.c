/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#define PASSPHRASE_MAX 512

static char *from_credential(void)
{
        const char *dir = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = dir ? path_join(dir, "dissect.passphrase") : NULL;
        char *text = NULL;

        if (!path || file_read_at(AT_FDCWD, path, PASSPHRASE_MAX, &text, NULL) < 0)
                return NULL;
        text[strcspn(text, "\n")] = '\0';
        return text;
}

/* One line without echo. A signal that ends the process would leave the terminal so, hence they wait. */
static char *from_terminal(const char *image)
{
        _cleanup_close_ int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
        _cleanup_free_ char *prompt = xasprintf("Passphrase for '%s': ", image);
        char line[PASSPHRASE_MAX];
        struct termios before, silent;

        if (tty < 0 || tcgetattr(tty, &before) < 0)
                return NULL;
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        (void)fd_write_all(tty, prompt, strlen(prompt));
        (void)tcsetattr(tty, TCSAFLUSH, &silent);
        ssize_t n = read(tty, line, sizeof(line) - 1);
        (void)tcsetattr(tty, TCSAFLUSH, &before);
        (void)fd_write_all(tty, "\n", 1);
        if (n <= 0)
                return NULL;
        line[n] = '\0';
        line[strcspn(line, "\n")] = '\0';
        char *passphrase = xstrdup(line);
        explicit_bzero(line, sizeof(line));
        return passphrase;
}

int machine_disk_passphrase(Target *t, const PlanPart *parts, size_t n, Error *e)
{
        bool encrypted = false;

        for (size_t i = 0; i < n; i++)
                encrypted = encrypted || str_eq(parts[i].from->fstype, "crypto_LUKS");
        if (encrypted && !t->passphrase)
                t->passphrase = from_credential() ?: from_terminal(t->disk.path);
        t->disk.passphrase = encrypted ? xstrdup(t->passphrase) : NULL;
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

int sys_pty_new(int devpts_dirfd, int *ret_master, char **ret_name)
{
        _cleanup_close_ int fd = openat(devpts_dirfd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
        unsigned number;
        int unlock = 0;

        if (fd < 0 || ioctl(fd, TIOCSPTLCK, &unlock) < 0 || ioctl(fd, TIOCGPTN, &number) < 0)
                return -errno;
        *ret_name = xasprintf("%u", number);
        *ret_master = TAKE_FD(fd);
        return 0;
}

int sys_pty_copy_winsize(int from, int to)
{
        struct winsize size;

        return ioctl(from, TIOCGWINSZ, &size) < 0 || ioctl(to, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int sys_pty_set_winsize(int fd, unsigned short rows, unsigned short columns)
{
        const struct winsize size = {.ws_row = rows, .ws_col = columns};

        return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* TCSANOW in both: a terminal whose output is stopped (^S) must not make us wait. */
int sys_terminal_raw(int fd, struct termios *ret_saved)
{
        struct termios saved, raw;

        if (tcgetattr(fd, &saved) < 0)
                return -errno;
        raw = saved;
        cfmakeraw(&raw);
        if (tcsetattr(fd, TCSANOW, &raw) < 0)
                return -errno;
        *ret_saved = saved;
        return 0;
}

int sys_terminal_restore(int fd, const struct termios *saved)
{
        return tcsetattr(fd, TCSANOW, saved) < 0 ? -errno : 0;
}

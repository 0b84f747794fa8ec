/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a payload can do and see that no shell command tells. Linked statically, so that it runs in any root.
 *   probe fds                 the open descriptors
 *   probe call NAME           what the kernel says to one system call, as an errno name or "ok"
 *   probe writable PATH       whether the mount at PATH lets itself be made writable
 *   probe notify TEXT         a datagram to $NOTIFY_SOCKET
 *   probe stay TEXT           the same, and then stays until it is killed
 *   probe inotify N           opens N inotify instances, tells how it went, and stays
 *   probe crash               a fault, which ends a PID 1, too
 *   probe send PATH           what it reads goes to the stream socket there
 *   probe orphans             leaves a child behind that nobody but PID 1 can collect, and tells whether it was */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int tell(long r)
{
        printf("%s\n", r < 0 ? strerrorname_np(errno) : "ok");
        return 0;
}

static int show_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");

        if (!dir)
                return EXIT_FAILURE;
        for (struct dirent *d; (d = readdir(dir));)
                if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir))
                        printf("%s\n", d->d_name);
        closedir(dir);
        return 0;
}

static long call_unknown(void)
{
        return syscall(9999);
}
static long call_kexec(void)
{
        return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}
static long call_keyctl(void)
{
        return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}
static long call_audit(void)
{
        return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}
static long call_route(void)
{
        return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}
static long call_fsync(void)
{
        return fsync(12345);
}
static long call_osync(void)
{
        return open("/synchronous", O_CREAT | O_RDWR | O_SYNC, 0600);
}
static long call_ptrace_init(void)
{
        return ptrace(PTRACE_ATTACH, 1, NULL, NULL);
}

typedef struct Call {
        const char *name;
        long (*run)(void);
} Call;

static const Call calls[] = {
                {"unknown", call_unknown}, {"kexec", call_kexec}, {"keyctl", call_keyctl}, {"audit", call_audit},
                {"route", call_route},     {"fsync", call_fsync}, {"osync", call_osync},   {"ptrace-init", call_ptrace_init},
};

static int run_call(const char *name)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
                if (strcmp(calls[i].name, name) == 0)
                        return tell(calls[i].run());
        return EXIT_FAILURE;
}

typedef struct ArgumentCall {
        long number, a, b, c;
} ArgumentCall;

/* Those that the filter of oci.bats tells apart by their arguments. */
static const ArgumentCall argument_calls[] = {
                {SYS_personality, 8, 0, 0},     {SYS_personality, 9, 0, 0},     {SYS_dup3, 1001, 1002, 0},
                {SYS_dup3, 1000, 1002, 0},      {SYS_dup3, 1L << 32 | 5, 6, 0}, {SYS_socket, 16, 0, 9},
                {SYS_socket, 16, 0, 10},        {SYS_socket, 17, 0, 3},         {SYS_socket, 5L << 32 | 16, 0, 3},
                {SYS_kill, -1, 5, 0},           {SYS_kill, -1, 6, 0},           {SYS_fchown, -1, 77, 4},
                {SYS_fchown, -1, 76, 4},        {SYS_fchown, -1, 77, 5},        {SYS_fchown, -1, 1L << 40, 4},
                {SYS_fchown, -1, 77, 1L << 33},
};

/* What the kernel says to every call with arguments that none can do anything with. */
static int show_calls(void)
{
        /* The last two are of uprobes: no filter sees them, and elsewhere they kill. */
        static const long not_to_be_tried[] = {
                        SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigreturn, SYS_clone, SYS_clone3, SYS_sched_yield, 335, 336};

        setvbuf(stdout, NULL, _IOLBF, 0);
        for (long number = 0; number < 460; number++) {
                int tried = 1;
                for (size_t i = 0; i < sizeof(not_to_be_tried) / sizeof(*not_to_be_tried); i++)
                        tried = tried && number != not_to_be_tried[i];
                errno = 0;
                if (tried)
                        printf("%ld %s\n", number, syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) < 0 ? strerror(errno) : "ok");
        }
        for (size_t i = 0; i < sizeof(argument_calls) / sizeof(*argument_calls); i++) {
                const ArgumentCall *c = &argument_calls[i];
                errno = 0;
                printf("%ld(%ld, %ld, %ld) %s\n", c->number, c->a, c->b, c->c,
                       syscall(c->number, c->a, c->b, c->c) < 0 ? strerror(errno) : "ok");
        }
        return 0;
}

static int make_writable(const char *path)
{
        struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

        return tell(syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof(attr)));
}

static int notify(const char *text)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("NOTIFY_SOCKET"));
        return tell(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)));
}

/* The grandchild ends after its parent did, so it is PID 1's; a zombie still answers to kill(2) with signal 0. */
static int leave_orphan(void)
{
        int ends[2];
        pid_t orphan;

        if (pipe(ends) < 0)
                return EXIT_FAILURE;
        if (fork() == 0) {
                pid_t pid = fork();
                if (pid == 0) {
                        usleep(50000);
                        _exit(0);
                }
                _exit(write(ends[1], &pid, sizeof(pid)) != sizeof(pid));
        }
        if (read(ends[0], &orphan, sizeof(orphan)) != sizeof(orphan))
                return EXIT_FAILURE;
        for (int i = 0; i < 100; i++) {
                if (kill(orphan, 0) < 0 && errno == ESRCH)
                        return puts("collected") < 0;
                usleep(20000);
        }
        return puts("left") < 0;
}

static int open_inotify(int n)
{
        int opened = 0;

        while (opened < n && inotify_init1(IN_CLOEXEC) >= 0)
                opened++;
        printf("%d opened\n", opened);
        fflush(stdout);
        return pause();
}

/* A PID 1 is not ended by kill(2) from inside, but by this. */
static int crash(void)
{
        const struct rlimit none = {0};

        setrlimit(RLIMIT_CORE, &none);
        __builtin_trap();
}

static int send_stream(const char *path)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char buf[4096];
        ssize_t n;

        strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
                return EXIT_FAILURE;
        while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
                if (write(fd, buf, (size_t)n) != n)
                        return EXIT_FAILURE;
        return n < 0;
}

int main(int argc, char **argv)
{
        const char *verb = argc > 1 ? argv[1] : "", *object = argc > 2 ? argv[2] : "";

        if (strcmp(verb, "fds") == 0)
                return show_fds();
        if (strcmp(verb, "calls") == 0)
                return show_calls();
        if (strcmp(verb, "call") == 0)
                return run_call(object);
        if (strcmp(verb, "writable") == 0)
                return make_writable(object);
        if (strcmp(verb, "notify") == 0)
                return notify(object);
        if (strcmp(verb, "stay") == 0)
                return notify(object) || pause();
        if (strcmp(verb, "inotify") == 0)
                return open_inotify(atoi(object));
        if (strcmp(verb, "crash") == 0)
                return crash();
        if (strcmp(verb, "send") == 0)
                return send_stream(object);
        if (strcmp(verb, "orphans") == 0)
                return leave_orphan();
        return EXIT_FAILURE;
}

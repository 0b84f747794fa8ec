/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything that a payload can see of the machine that it runs in, one fact a line: "KEY<tab>VALUE". compare.bats runs it under
 * systemd-nspawn and under berth. Linked statically, so that it runs in any root. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <unistd.h>

#include "plan/syscall.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((format(printf, 3, 4))) static void fact(const char *kind, const char *name, const char *format, ...)
{
        char value[8192];
        va_list args;

        va_start(args, format);
        vsnprintf(value, sizeof(value), format, args);
        va_end(args);
        for (char *c = value; *c; c++)
                if (*c == '\n' || *c == '\t' || *c == '\r')
                        *c = ' ';
        printf("%s%s%s\t%s\n", kind, *name ? " " : "", name, value);
}

/* ---- files ---- */

static const char *type_of(mode_t mode)
{
        static const struct {
                mode_t mode;
                const char *name;
        } types[] = {{S_IFREG, "file"},  {S_IFDIR, "dir"},  {S_IFLNK, "link"}, {S_IFCHR, "char"},
                     {S_IFBLK, "block"}, {S_IFIFO, "fifo"}, {S_IFSOCK, "sock"}};

        for (size_t i = 0; i < N(types); i++)
                if (types[i].mode == (mode & S_IFMT))
                        return types[i].name;
        return "?";
}

static void show_node(const char *path)
{
        char target[PATH_MAX] = "";
        struct stat st;

        if (lstat(path, &st) < 0) {
                fact("node", path, "%s", strerrorname_np(errno));
                return;
        }
        if (S_ISLNK(st.st_mode)) {
                ssize_t n = readlink(path, target, sizeof(target) - 1);
                target[n < 0 ? 0 : n] = '\0';
                fact("node", path, "link -> %s", target);
        } else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
                fact("node", path, "%s %04o %u:%u device %u:%u", type_of(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid,
                     (unsigned)(st.st_rdev >> 8), (unsigned)(st.st_rdev & 0xff));
        else
                fact("node", path, "%s %04o %u:%u", type_of(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid);
}

/* A terminal that nobody holds the other end of must not become ours, and a FIFO without a writer must not hold us. */
static const char *open_verdict(const char *path, int flags)
{
        int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return strerrorname_np(errno);
        close(fd);
        return "ok";
}

static const char *read_text(const char *path, char *buffer, size_t size)
{
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);
        int saved = errno;

        if (fd >= 0)
                close(fd);
        if (n < 0)
                return strerrorname_np(saved);
        for (ssize_t i = 0; i < n; i++) /* lists of strings that end in null bytes */
                if (buffer[i] == '\0')
                        buffer[i] = '|';
        buffer[n] = '\0';
        return buffer;
}

static void show_text(const char *path)
{
        char text[2048];

        fact("text", path, "%s", read_text(path, text, sizeof(text)));
}

static void show_open(const char *path)
{

        fact("open", path, "read %s write %s", open_verdict(path, O_RDONLY), open_verdict(path, O_WRONLY));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void show_tree(const char *top, unsigned depth)
{
        struct dirent **entries = NULL;
        int n = scandir(top, &entries, NULL, by_name);

        for (int i = 0; i < n; i++) {
                char path[PATH_MAX];
                struct stat st;
                snprintf(path, sizeof(path), "%s/%s", top, entries[i]->d_name);
                bool dots = strcmp(entries[i]->d_name, ".") == 0 || strcmp(entries[i]->d_name, "..") == 0;
                free(entries[i]);
                if (dots)
                        continue;
                show_node(path);
                if (lstat(path, &st) < 0)
                        continue;
                if (S_ISCHR(st.st_mode))
                        show_open(path);
                if (S_ISDIR(st.st_mode) && depth > 1)
                        show_tree(path, depth - 1);
        }
        free(entries);
}

static void show_names(const char *top)
{
        struct dirent **entries = NULL;
        int n = scandir(top, &entries, NULL, by_name);
        char names[4096] = "";

        for (int i = 0; i < n; i++) {
                if (entries[i]->d_name[0] != '.') {
                        strncat(names, entries[i]->d_name, sizeof(names) - strlen(names) - 2);
                        strcat(names, " ");
                }
                free(entries[i]);
        }
        free(entries);
        fact("names", top, "%s", n < 0 ? strerrorname_np(errno) : names);
}

static void show_files(void)
{
        static const char *const nodes[] = {"/",
                                            "/dev",
                                            "/proc",
                                            "/sys",
                                            "/run",
                                            "/tmp",
                                            "/etc",
                                            "/var",
                                            "/root",
                                            "/etc/resolv.conf",
                                            "/etc/localtime",
                                            "/etc/machine-id",
                                            "/var/log/journal",
                                            "/mnt",
                                            "/srv"};
        static const char *const opened[] = {"/proc/kmsg",
                                             "/proc/kcore",
                                             "/proc/keys",
                                             "/proc/kallsyms",
                                             "/proc/sysrq-trigger",
                                             "/proc/timer_list",
                                             "/proc/latency_stats",
                                             "/proc/sched_debug",
                                             "/proc/acpi",
                                             "/proc/bus",
                                             "/proc/sys/kernel/domainname",
                                             "/proc/sys/kernel/hostname",
                                             "/proc/sys/kernel/shmmax",
                                             "/proc/sys/kernel/panic",
                                             "/proc/sys/vm/swappiness",
                                             "/proc/sys/fs/mqueue/msg_max",
                                             "/proc/sys/net/ipv4/ip_forward",
                                             "/proc/sys/kernel/random/boot_id",
                                             "/proc/config.gz",
                                             "/proc/sys/kernel/random/uuid",
                                             "/sys/fs/cgroup/cgroup.procs",
                                             "/sys/power/state",
                                             "/sys/kernel/uevent_helper",
                                             "/proc/mtrr",
                                             "/proc/interrupts",
                                             "/proc/1/environ",
                                             "/proc/sys/user/max_user_namespaces",
                                             "/dev/kmsg",
                                             "/dev/mem",
                                             "/dev/console"};
        static const char *const texts[] = {"/proc/sys/kernel/random/boot_id",
                                            "/proc/sys/kernel/hostname",
                                            "/proc/kmsg",
                                            "/proc/sys/net/ipv4/ping_group_range",
                                            "/proc/sys/net/ipv4/ip_forward",
                                            "/run/host/container-manager",
                                            "/run/host/container-uuid",
                                            "/run/host/os-release",
                                            "/proc/1/comm",
                                            "/proc/1/cmdline",
                                            "/proc/1/environ"};
        static const char *const names[] = {"/",           "/sys",          "/sys/class/net", "/sys/fs",    "/sys/fs/cgroup",
                                            "/sys/kernel", "/sys/firmware", "/sys/module",    "/sys/block", "/run"};

        for (size_t i = 0; i < N(nodes); i++)
                show_node(nodes[i]);
        for (size_t i = 0; i < N(opened); i++)
                show_open(opened[i]);
        for (size_t i = 0; i < N(texts); i++)
                show_text(texts[i]);
        for (size_t i = 0; i < N(names); i++)
                show_names(names[i]);
        show_tree("/dev", 3);
        show_tree("/run", 4);
}

static void show_mounts(void)
{
        char line[4096];
        FILE *f = fopen("/proc/self/mountinfo", "re");

        while (f && fgets(line, sizeof(line), f)) {
                char root[PATH_MAX], path[PATH_MAX], attrs[512], type[64], source[512], options[2048];
                const char *dash = strstr(line, " - ");
                if (!dash || sscanf(line, "%*s %*s %*s %4095s %4095s %511s", root, path, attrs) != 3 ||
                    sscanf(dash, " - %63s %511s %2047s", type, source, options) != 3)
                        continue;
                const char *shared = strstr(line, " shared:"), *master = strstr(line, " master:");
                fact("mount", path, "%s %s%s%s root=%s", type, attrs, shared && shared < dash ? " shared" : "",
                     master && master < dash ? " slave" : "", root);
                fact("mount-options", path, "%s", options);
        }
        if (f)
                fclose(f);
}

/* ---- the process ---- */

static void show_status(void)
{
        char line[1024];
        FILE *f = fopen("/proc/self/status", "re");
        static const char *const wanted[] = {"Umask:",        "TracerPid:",   "Uid:",
                                             "Gid:",          "Groups:",      "NStgid:",
                                             "NSpid:",        "NSsid:",       "SigPnd:",
                                             "ShdPnd:",       "SigBlk:",      "SigIgn:",
                                             "SigCgt:",       "CapInh:",      "CapPrm:",
                                             "CapEff:",       "CapBnd:",      "CapAmb:",
                                             "NoNewPrivs:",   "Seccomp:",     "Speculation_Store_Bypass:",
                                             "CoreDumping:",  "THP_enabled:", "Threads:",
                                             "Cpus_allowed:", "Mems_allowed:"};

        while (f && fgets(line, sizeof(line), f))
                for (size_t i = 0; i < N(wanted); i++)
                        if (strncmp(line, wanted[i], strlen(wanted[i])) == 0) {
                                line[strcspn(line, "\n")] = '\0';
                                fact("status", wanted[i], "%s", line + strlen(wanted[i]) + 1);
                        }
        if (f)
                fclose(f);
}

static void show_process(void)
{
        static const char *const files[] = {"loginuid",        "sessionid", "oom_score_adj", "uid_map",
                                            "gid_map",         "setgroups", "cgroup",        "timerslack_ns",
                                            "coredump_filter", "autogroup", "attr/current"};
        struct utsname u;
        char cwd[PATH_MAX], path[64];
        int signal = 0;

        uname(&u);
        fact("uname", "", "%s %s %s", u.sysname, u.nodename, u.machine);
        fact("domainname", "", "%s", u.domainname);
        fact("pid", "", "pid %d ppid %d pgid %d sid %d", getpid(), getppid(), getpgrp(), getsid(0));
        fact("cwd", "", "%s", getcwd(cwd, sizeof(cwd)) ?: "?");
        fact("personality", "", "%x", (unsigned)personality(0xffffffff));
        fact("securebits", "", "%x", (unsigned)prctl(PR_GET_SECUREBITS));
        fact("dumpable", "", "%d", prctl(PR_GET_DUMPABLE));
        fact("keepcaps", "", "%d", prctl(PR_GET_KEEPCAPS));
        prctl(PR_GET_PDEATHSIG, &signal);
        fact("death signal", "", "%d", signal);
        fact("nice", "", "%d", getpriority(PRIO_PROCESS, 0));
        fact("scheduler", "", "%d", sched_getscheduler(0));
        fact("io priority", "", "%ld", syscall(SYS_ioprio_get, 1, 0));
        fact("terminal", "", "%s", open_verdict("/dev/tty", O_RDWR));
        for (size_t i = 0; i < N(files); i++) {
                snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
                show_text(path);
        }
}

static void show_fds(void)
{
        struct dirent **entries = NULL;
        int n = scandir("/proc/self/fd", &entries, NULL, by_name);

        for (int i = 0; i < n; i++) {
                struct stat st;
                int fd = atoi(entries[i]->d_name);
                if (entries[i]->d_name[0] != '.' && fstat(fd, &st) >= 0)
                        fact("fd", entries[i]->d_name, "%s %s flags %o", type_of(st.st_mode),
                             isatty(fd) ? "terminal" : "no terminal",
                             (unsigned)fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND));
                free(entries[i]);
        }
        free(entries);
}

static void show_limits(void)
{
        static const char *const names[] = {"CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
                                            "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};

        for (size_t i = 0; i < N(names); i++) {
                struct rlimit l;
                if (getrlimit((__rlimit_resource_t)i, &l) >= 0)
                        fact("rlimit", names[i], "%lld %lld", (long long)l.rlim_cur, (long long)l.rlim_max);
        }
}

static void show_namespaces(void)
{
        static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", "time"};

        for (size_t i = 0; i < N(kinds); i++) {
                char path[64], target[64] = "";
                snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
                ssize_t n = readlink(path, target, sizeof(target) - 1);
                fact("namespace", kinds[i], "%s", n < 0 ? strerrorname_np(errno) : target);
        }
}

static void show_signals(void)
{
        char blocked[NSIG + 1] = "", ignored[NSIG + 1] = "";
        sigset_t mask;

        sigprocmask(SIG_SETMASK, NULL, &mask);
        for (int s = 1; s < NSIG; s++) {
                struct sigaction now;
                blocked[s - 1] = sigismember(&mask, s) == 1 ? 'b' : '-';
                ignored[s - 1] = sigaction(s, NULL, &now) >= 0 && now.sa_handler == SIG_IGN ? 'i' : '-';
        }
        fact("signals blocked", "", "%s", blocked);
        fact("signals ignored", "", "%s", ignored);
}

/* ---- what the kernel lets it do ---- */

static void show_sockets(void)
{
        static const struct {
                const char *name;
                int family, type, protocol;
        } sockets[] = {
                        {"unix", AF_UNIX, SOCK_STREAM, 0},
                        {"inet", AF_INET, SOCK_DGRAM, 0},
                        {"inet raw", AF_INET, SOCK_RAW, 1},
                        {"inet6", AF_INET6, SOCK_DGRAM, 0},
                        {"packet", AF_PACKET, SOCK_RAW, 0},
                        {"route", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
                        {"audit", AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
                        {"uevent", AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT},
                        {"alg", AF_ALG, SOCK_SEQPACKET, 0},
                        {"vsock", AF_VSOCK, SOCK_STREAM, 0},
        };

        for (size_t i = 0; i < N(sockets); i++) {
                int fd = socket(sockets[i].family, sockets[i].type, sockets[i].protocol);
                fact("socket", sockets[i].name, "%s", fd < 0 ? strerrorname_np(errno) : "ok");
                if (fd >= 0)
                        close(fd);
        }
}

/* Only where the filter lets keyctl(2) through: the keyring shall be the machine's own, and a new one. */
static void show_keyring(void)
{
        char text[256];
        long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
        long n = id < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof(text) - 1);

        if (n < 0)
                fact("session keyring", "", "%s", strerrorname_np(errno));
        else
                fact("session keyring", "", "%.*s", (int)n, text);
}

/* All arguments are -1: no pointer, no descriptor, no process, no valid flags. */
static long call_native(unsigned nr)
{
        return syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);
}

#ifdef __x86_64__
static long call_i386(unsigned nr)
{
        long r = nr, poison = -1;
        __asm__ volatile("push %%rbp\n\tmov %[poison], %%rbp\n\tint $0x80\n\tpop %%rbp"
                         : "+a"(r)
                         : "b"(poison), "c"(poison), "d"(poison), "S"(poison), "D"(poison), [poison] "r"(poison)
                         : "memory", "r8", "r9", "r10", "r11");
        if ((int)r < 0 && (int)r > -4096) {
                errno = -(int)r;
                return -1;
        }
        return (int)r;
}
#endif

/* Whether the child ended within a third of a second; one that waits may have all signals blocked but the last. */
static bool ends(pid_t pid, int *ret_status)
{
        for (unsigned i = 0; i < 1500; i++) {
                if (waitpid(pid, ret_status, WNOHANG) == pid)
                        return true;
                usleep(i < 100 ? 20 : 250);
        }
        kill(pid, SIGKILL);
        waitpid(pid, ret_status, 0);
        return false;
}

/* In a child, as calls end it, stop it or change it. */
static void verdict(const char *kind, const char *name, unsigned nr, long (*call)(unsigned))
{
        int status = 0;

        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0)
                exit(EXIT_FAILURE);
        if (pid == 0) {
                setsid();
                _exit(call(nr) < 0 ? errno : 0);
        }
        if (!ends(pid, &status))
                fact(kind, name, "waits");
        else if (WIFSIGNALED(status))
                fact(kind, name, "signal %d", WTERMSIG(status));
        else
                fact(kind, name, "%s", WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) ?: "exit" : "ok");
        while (waitpid(-1, NULL, WNOHANG) > 0) /* whatever the child forked, when we are PID 1 */
                ;
}

static bool is_left_out(const char *name)
{
        /* sync: the whole host would wait for its disks; vfork: its child must not return from where it was called; kill: its answer
         * depends on who else is there at the moment */
        static const char *const names[] = {"sync", "vfork", "kill"};

        for (size_t i = 0; i < N(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

static void show_calls(void)
{
        for (const char *line = plan_system_call_names; *line; line += strcspn(line, "\n") + 1) {
                char name[64], native[32], x32[32], i386[32];
                int n = sscanf(line, "%63s %31s %31s %31s", name, native, x32, i386);
                if (*line == '@' || n < 2 || strcmp(name, "archs") == 0 || is_left_out(name))
                        continue;
                if (*native != '-')
                        verdict("call", name, (unsigned)strtoul(native, NULL, 10), call_native);
#ifdef __x86_64__
                if (n == 4 && *i386 != '-')
                        verdict("call-i386", name, (unsigned)strtoul(i386, NULL, 10), call_i386);
#endif
        }
        verdict("call", "that-is-unknown", 9999, call_native);
#ifdef __x86_64__
        verdict("call-x32", "getpid", 0x40000000 | SYS_getpid, call_native);
#endif
}

int main(int argc, char **argv)
{
        for (char **e = environ; *e; e++) {
                char *equals = strchrnul(*e, '=');
                char name[256];
                snprintf(name, sizeof(name), "%.*s", (int)(equals - *e), *e);
                fact("env", name, "%s", *equals ? equals + 1 : "");
        }
        show_status();
        show_process();
        show_fds();
        show_signals();
        show_limits();
        show_namespaces();
        show_mounts();
        show_files();
        show_sockets();
        show_keyring();
        show_calls();
        fact("end", "", "reached"); /* so that half a report is none */
        return 0;
}

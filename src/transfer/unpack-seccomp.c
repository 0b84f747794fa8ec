/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/macro.h"

/* linux/audit.h names each architecture; the compiler knows which one this is. An architecture that is missing here is
 * filtered by number alone. */
#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64 /* x32 calls have bit 30 set and so are in no row */
#elif defined(__i386__)
#define FILTER_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define FILTER_ARCH AUDIT_ARCH_ARM
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define FILTER_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define FILTER_ARCH AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#elif defined(__loongarch64)
#define FILTER_ARCH AUDIT_ARCH_LOONGARCH64
#endif

/* clang-format off */
static const uint32_t allowed[] = {
        /* files of the tree */
        __NR_openat, __NR_close, __NR_read, __NR_pread64, __NR_write, __NR_mkdirat, __NR_mknodat, __NR_symlinkat, __NR_linkat,
        __NR_unlinkat, __NR_fchown, __NR_fchownat, __NR_fchmod, __NR_fsetxattr,
        /* memory */
        __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise, __NR_brk,
        /* talking to the parent */
        __NR_recvmsg, __NR_sendmsg, __NR_memfd_create, __NR_fcntl,
        /* the end */
        __NR_exit, __NR_exit_group, __NR_rt_sigreturn, __NR_rt_sigprocmask, __NR_rt_sigaction, __NR_restart_syscall, __NR_getpid,
        __NR_gettid, __NR_tgkill, __NR_getrandom,
/* What has other names, or none, on some architectures: position and size of files, maps, times, waiting. */
#ifdef __NR_lseek
        __NR_lseek,
#endif
#ifdef __NR__llseek
        __NR__llseek,
#endif
#ifdef __NR_ftruncate
        __NR_ftruncate,
#endif
#ifdef __NR_ftruncate64
        __NR_ftruncate64,
#endif
#ifdef __NR_fstat
        __NR_fstat,
#endif
#ifdef __NR_newfstatat
        __NR_newfstatat,
#endif
#ifdef __NR_fstatat64
        __NR_fstatat64, __NR_fstat64,
#endif
#ifdef __NR_statx
        __NR_statx,
#endif
#ifdef __NR_fchown32
        __NR_fchown32,
#endif
#ifdef __NR_fcntl64
        __NR_fcntl64,
#endif
#ifdef __NR_mmap
        __NR_mmap,
#endif
#ifdef __NR_mmap2
        __NR_mmap2,
#endif
#ifdef __NR_utimensat
        __NR_utimensat,
#endif
#ifdef __NR_utimensat_time64
        __NR_utimensat_time64,
#endif
#ifdef __NR_clock_gettime
        __NR_clock_gettime,
#endif
#ifdef __NR_clock_gettime64
        __NR_clock_gettime64,
#endif
#ifdef __NR_futex
        __NR_futex,
#endif
#ifdef __NR_futex_time64
        __NR_futex_time64,
#endif
#ifdef UNPACK_SANITIZED
        __NR_sigaltstack, __NR_sched_yield, __NR_readlinkat,
#endif
};

/* Decompressing: bytes in, bytes out, memory and threads; nothing can be opened. */
static const uint32_t decoder_allowed[] = {
        __NR_read, __NR_write, __NR_close, __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise, __NR_brk,
        __NR_exit, __NR_exit_group, __NR_rt_sigreturn, __NR_rt_sigprocmask, __NR_rt_sigaction, __NR_restart_syscall, __NR_getpid,
        __NR_gettid, __NR_tgkill, __NR_getrandom, __NR_set_robust_list, __NR_sched_yield, __NR_sched_getaffinity,
#ifdef __NR_rseq
        __NR_rseq,
#endif
#ifdef __NR_mmap
        __NR_mmap,
#endif
#ifdef __NR_mmap2
        __NR_mmap2,
#endif
#ifdef __NR_fstat
        __NR_fstat,
#endif
#ifdef __NR_newfstatat
        __NR_newfstatat,
#endif
#ifdef __NR_clock_gettime
        __NR_clock_gettime,
#endif
#ifdef __NR_clock_gettime64
        __NR_clock_gettime64,
#endif
#ifdef __NR_futex
        __NR_futex,
#endif
#ifdef __NR_futex_time64
        __NR_futex_time64,
#endif
#ifdef UNPACK_SANITIZED
        __NR_sigaltstack, __NR_readlinkat, __NR_openat,
#endif
};

/* Besides, for disk images, which are written with holes. */
static const uint32_t disk_allowed[] = {
        __NR_pread64, __NR_pwrite64, __NR_lseek, __NR_ftruncate,
#ifdef __NR__llseek
        __NR__llseek,
#endif
#ifdef __NR_ftruncate64
        __NR_ftruncate64,
#endif
};
/* clang-format on */

/* Refused on purpose: open and friends without a directory descriptor, rename (nothing is renamed), ioctl, prctl, clone,
 * execve, socket, mount and the rest: what an unpacker has no use for. */

#ifdef __s390x__ /* clone(2) has its flags second there */
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_WORD 4
#else
#define LOW_WORD 0
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define IS(value)    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1) /* the next statement only when equal */

static const struct sock_filter prologue[] = {
#ifdef FILTER_ARCH
                LOAD(arch),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0),
                RETURN(SECCOMP_RET_KILL_PROCESS),
#endif
                LOAD(nr),
};

/* Threads, no processes: clone3(2), whose flags no filter sees, is not there, so libc takes clone(2). */
static const struct sock_filter threads[] = {
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[CLONE_FLAGS_ARGUMENT]) + LOW_WORD),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
                RETURN(SECCOMP_RET_ALLOW),
                RETURN(SECCOMP_RET_ERRNO | ENOSYS),
};

#define CODE_MAX                                                                                                     \
        (ELEMENTSOF(prologue) + 2 * (ELEMENTSOF(allowed) + ELEMENTSOF(decoder_allowed) + ELEMENTSOF(disk_allowed)) + \
         ELEMENTSOF(threads))

static int apply(const uint32_t *numbers, size_t n_numbers, const struct sock_filter *end, size_t n_end)
{
        struct sock_filter code[CODE_MAX];
        struct sock_fprog program = {.filter = code};
        unsigned short n = 0;

        for (size_t i = 0; i < ELEMENTSOF(prologue); i++)
                code[n++] = prologue[i];
        for (size_t i = 0; i < n_numbers; i++) {
                code[n++] = (struct sock_filter)IS(numbers[i]);
                code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
        }
        for (size_t i = 0; i < n_end; i++)
                code[n++] = end[i];
        program.len = n;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

int unpack_seccomp_apply(void)
{
        static const struct sock_filter end = RETURN(SECCOMP_RET_ERRNO | ENOSYS);

        return apply(allowed, ELEMENTSOF(allowed), &end, 1);
}

int decode_seccomp_apply(void)
{
        return apply(decoder_allowed, ELEMENTSOF(decoder_allowed), threads, ELEMENTSOF(threads));
}

int disk_seccomp_apply(void)
{
        static const struct sock_filter end = RETURN(SECCOMP_RET_ERRNO | ENOSYS);
        uint32_t all[ELEMENTSOF(decoder_allowed) + ELEMENTSOF(disk_allowed)];

        memcpy(all, decoder_allowed, sizeof(decoder_allowed));
        memcpy(all + ELEMENTSOF(decoder_allowed), disk_allowed, sizeof(disk_allowed));
        return apply(all, ELEMENTSOF(all), &end, 1);
}

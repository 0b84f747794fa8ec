/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <signal.h>

#include "base/macro.h"
#include "plan/plan.h"

typedef struct InitRow {
        const char *name;
        int stop, reboot; /* signals; 0: none */
} InitRow;

/* How each init is asked to power off and to reboot by signal alone. Halting would do as well, as the kernel ends the PID namespace
 * either way. Sources:
 *   systemd   systemd(1), SIGNALS: SIGRTMIN+4 starts poweroff.target, SIGRTMIN+5 reboot.target
 *   OpenRC    openrc-init.c, signal_handler(): SIGTERM runs the shutdown runlevel and halts, SIGINT reboots
 *   sysvinit  init(8): SIGPWR runs the powerfail entries and SIGINT the ctrlaltdel entry of /etc/inittab; both are up to that file
 *   runit     runit(8): SIGINT runs /etc/runit/ctrlaltdel, then stops if /etc/runit/stopit is executable, which that script can see to;
 *             SIGCONT does the latter alone. Which of stop and reboot it becomes is up to /etc/runit/reboot, so there is no reboot signal
 *   s6        s6-linux-init-maker.c, the scripts in .s6-svscan: SIGUSR1 shutdown -p, SIGINT shutdown -r
 *   dinit     dinit(8), SIGNALS: SIGTERM stops services and halts, SIGINT reboots
 *   BusyBox   init/init.c, init_main(): SIGUSR1 halt, SIGUSR2 poweroff, SIGTERM reboot
 * Unknown inits get SIGTERM, which most take as the wish to end. */
static const InitRow inits[_INIT_KIND_MAX] = {
                [INIT_NONE] = {"none", 0, 0},
                [INIT_SYSTEMD] = {"systemd", GNU_SIGRTMIN + 4, GNU_SIGRTMIN + 5},
                [INIT_OPENRC] = {"openrc", SIGTERM, SIGINT},
                [INIT_SYSVINIT] = {"sysvinit", SIGPWR, SIGINT},
                [INIT_RUNIT] = {"runit", SIGCONT, 0},
                [INIT_S6] = {"s6", SIGUSR1, SIGINT},
                [INIT_DINIT] = {"dinit", SIGTERM, SIGINT},
                [INIT_BUSYBOX] = {"busybox", SIGUSR2, SIGTERM},
                [INIT_OTHER] = {"other", SIGTERM, 0},
};

int plan_init_stop_signal(InitKind kind)
{
        assert(kind >= 0 && kind < _INIT_KIND_MAX);
        return inits[kind].stop;
}

int plan_init_reboot_signal(InitKind kind)
{
        assert(kind >= 0 && kind < _INIT_KIND_MAX);
        return inits[kind].reboot;
}

const char *plan_init_name(InitKind kind)
{
        assert(kind >= 0 && kind < _INIT_KIND_MAX);
        return inits[kind].name;
}

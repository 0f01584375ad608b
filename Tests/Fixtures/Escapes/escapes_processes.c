/* Attempts on other processes: the host, and another plugin's worker. */
#define _GNU_SOURCE
#include "escapes.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int of_host(const char *name, int flags) {
    char path[128];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)around.host, name);
    return open_and_close(path, flags);
}
static int host_memory(void) { return of_host("mem", O_RDWR); }
static int host_descriptor(void) { return of_host("fd/3", O_RDWR); }
static int host_environment(void) { return of_host("environ", O_RDONLY); }
static int host_status(void) { return of_host("stat", O_RDONLY); }
static int host_oom(void) { return of_host("oom_score_adj", O_RDWR); }
static int host_slack(void) { return of_host("timerslack_ns", O_RDWR); }
static int trace_neighbour(void) { return result(ptrace(PTRACE_SEIZE, around.neighbour, NULL, NULL)); }

static char buffer[8] = "x";
static int copy(int is_write, pid_t pid) {
    char own[8];
    struct iovec here = {own, 1}, there = {buffer, 1};
    return result(is_write ? process_vm_writev(pid, &here, 1, &there, 1, 0)
                           : process_vm_readv(pid, &here, 1, &there, 1, 0));
}
static int read_neighbour(void) { return copy(0, around.neighbour); }
static int write_neighbour(void) { return copy(1, around.neighbour); }
static int read_self(void) { return copy(0, getpid()); }
static int descriptor_of_host(void) {
    int host = (int)syscall(SYS_pidfd_open, around.host, 0);
    int number = result(syscall(438 /* pidfd_getfd */, host, 3, 0));
    (void)close(host);
    return number;
}
static int kill_host(void) { return result(kill(around.host, 0)); }
static int kill_neighbour(void) { return result(kill(around.neighbour, SIGTERM)); }
static int kill_all(void) { return result(kill(-1, SIGURG)); }
static int signal_host(void) {
    int host = (int)syscall(SYS_pidfd_open, around.host, 0);
    int number = result(syscall(SYS_pidfd_send_signal, host, SIGURG, NULL, 0));
    (void)close(host);
    return number;
}
static int limit_neighbour(void) {
    struct rlimit limit = {20, 20};
    return result(prlimit(around.neighbour, RLIMIT_NOFILE, &limit, NULL));
}
static int limit_self(void) {
    struct rlimit limit;
    (void)getrlimit(RLIMIT_STACK, &limit);
    return result(setrlimit(RLIMIT_STACK, &limit));
}
static int priority_of_neighbour(void) { return result(setpriority(PRIO_PROCESS, (id_t)around.neighbour, 19)); }
static int priority_of_self(void) { return result(setpriority(PRIO_PROCESS, 0, -20)); }
static int leave_orphans(void) { return result(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)); }
static int processors_of_neighbour(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return result(sched_setaffinity(around.neighbour, sizeof set, &set));
}
static int processors_of_self(void) {
    cpu_set_t set;
    (void)sched_getaffinity(0, sizeof set, &set);
    return result(sched_setaffinity((pid_t)syscall(SYS_gettid), sizeof set, &set));
}
static int scheduler_of_neighbour(void) {
    struct sched_param parameter = {0};
    return result(sched_setscheduler(around.neighbour, SCHED_IDLE, &parameter));
}
static int disk_of_neighbour(void) { return result(syscall(SYS_ioprio_set, 1, around.neighbour, 3 << 13)); }
static int owner_of_signal(void) { return result(fcntl(0, F_SETOWN, around.neighbour)); }
static int outlive_host(void) { return result(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)); }

const struct attempt process_attempts[] = {
    {"/proc/SUP/mem RDWR", host_memory},
    {"/proc/SUP/fd/N reopen", host_descriptor},
    {"/proc/SUP/environ", host_environment},
    {"/proc/SUP/stat", host_status},
    {"/proc/SUP/oom_score_adj RDWR", host_oom},
    {"/proc/SUP/timerslack_ns RDWR", host_slack},
    {"ptrace(SEIZE, neighbour)", trace_neighbour},
    {"process_vm_readv(neighbour)", read_neighbour},
    {"process_vm_writev(neighbour)", write_neighbour},
    {"process_vm_readv(self)", read_self},
    {"pidfd_getfd(supervisor)", descriptor_of_host},
    {"kill(supervisor)", kill_host},
    {"kill(neighbour)", kill_neighbour},
    {"kill(-1) reaches itself", kill_all},
    {"pidfd_send_signal(supervisor)", signal_host},
    {"prlimit(neighbour)", limit_neighbour},
    {"setrlimit(self)", limit_self},
    {"setpriority(neighbour)", priority_of_neighbour},
    {"setpriority(self, -20)", priority_of_self},
    {"PR_SET_CHILD_SUBREAPER 0", leave_orphans},
    {"sched_setaffinity(neighbour)", processors_of_neighbour},
    {"sched_setaffinity(own thread)", processors_of_self},
    {"sched_setscheduler(neighbour)", scheduler_of_neighbour},
    {"ioprio_set(neighbour)", disk_of_neighbour},
    {"SIGIO by F_SETOWN(neighbour)", owner_of_signal},
    {"PR_SET_PDEATHSIG 0", outlive_host},
    {NULL, NULL},
};

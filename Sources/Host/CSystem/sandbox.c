#define _GNU_SOURCE
#include <CHostSystemSandbox.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers on all processors. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define OPEN_BY_RULES 437 /* openat2(2) */

#define NO_LINKS 4ull /* RESOLVE_NO_SYMLINKS */

#define ASK_VERSION 1u
#define RULE_PATH 1
#define RULE_PORT 2

/* Rights that a file can have which is no folder: execute, write, read, truncate, device control. */
#define OF_FILES (1ull << 0 | 1ull << 1 | 1ull << 2 | 1ull << 14 | 1ull << 15)

struct ruleset {
    uint64_t files, ports, scopes;
};

struct path_rule {
    uint64_t rights;
    int32_t folder;
} __attribute__((packed));

struct port_rule {
    uint64_t rights, port;
};

struct opening {
    uint64_t flags, mode, resolving;
};

/* An older kernel's struct is shorter, and it takes this one when the rest is zero. */
static int make(const struct ruleset *ruleset) {
    return (int)syscall(CREATE_RULESET, ruleset, sizeof *ruleset, 0u);
}

static int takes(uint64_t files, uint64_t ports, uint64_t scopes) {
    struct ruleset ruleset = {files, ports, scopes};
    int made = make(&ruleset);
    if (made >= 0) {
        (void)close(made);
    }
    return made >= 0;
}

/* Which bits of a set are taken, each by itself: some kernels claim more than they have. */
static uint64_t taken(uint64_t wanted, int which) {
    uint64_t result = 0;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t one = 1ull << bit;
        if ((wanted & one) != 0 && takes(which == 0 ? one : 0, which == 1 ? one : 0, which == 2 ? one : 0)) {
            result |= one;
        }
    }
    return result;
}

void chs_sandbox_ask(struct chs_sandbox_support *support) {
    long abi = syscall(CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);
    uint32_t trap = SECCOMP_RET_TRAP;
    support->abi = abi > 0 ? (int32_t)abi : 0;
    support->filters = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0u, &trap) == 0;
    if (abi <= 0) {
        support->files = support->ports = support->scopes = 0;
    } else if (!takes(support->files, support->ports, support->scopes)) {
        support->files = taken(support->files, 0);
        support->ports = taken(support->ports, 1);
        support->scopes = taken(support->scopes, 2);
        if (!takes(support->files, support->ports, support->scopes)) {
            support->files = support->ports = support->scopes = 0;
        }
    }
}

/* What root is without: whatever reaches past files of its own user, network and processes. capabilities(7) */
static const int dropped[] = {
    5 /* KILL */,        9 /* LINUX_IMMUTABLE */, 12 /* NET_ADMIN */,  13 /* NET_RAW */,        15 /* IPC_OWNER */,
    16 /* SYS_MODULE */, 17 /* SYS_RAWIO */,      18 /* SYS_CHROOT */, 19 /* SYS_PTRACE */,     20 /* SYS_PACCT */,
    21 /* SYS_ADMIN */,  22 /* SYS_BOOT */,       23 /* SYS_NICE */,   24 /* SYS_RESOURCE */,   25 /* SYS_TIME */,
    26 /* SYS_TTY_CONFIG */, 27 /* MKNOD */,      28 /* LEASE */,      29 /* AUDIT_WRITE */,    30 /* AUDIT_CONTROL */,
    31 /* SETFCAP */,    32 /* MAC_OVERRIDE */,   33 /* MAC_ADMIN */,  34 /* SYSLOG */,         35 /* WAKE_ALARM */,
    36 /* BLOCK_SUSPEND */, 37 /* AUDIT_READ */,  38 /* PERFMON */,    39 /* BPF */,            40 /* CHECKPOINT_RESTORE */,
};

#define SYS_PTRACE 19

/* Who has none of them has nothing to lose.
 *
 * Who can gain no privileges, as a worker, cannot get them back by executing a program either, so that its bounding set
 * means nothing: to change that takes a call and new credentials for each. The one that Swift's runtime asks about is
 * taken out in any case. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &head, sets) != 0) {
        return;
    }
    int is_final = prctl(PR_GET_NO_NEW_PRIVS, 0ul, 0ul, 0ul, 0ul) == 1;
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        uint32_t rest = ~(1u << (dropped[i] % 32));
        struct __user_cap_data_struct *set = &sets[dropped[i] / 32];
        if (!is_final || dropped[i] == SYS_PTRACE) {
            (void)prctl(PR_CAPBSET_DROP, (unsigned long)dropped[i], 0ul, 0ul, 0ul);
        }
        set->effective &= rest;
        set->permitted &= rest;
        set->inheritable &= rest;
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0ul, 0ul, 0ul);
    (void)syscall(SYS_capset, &head, sets);
}

/* What is left of the policy. */
struct rest {
    char *next;
    size_t size;
};

static void *take(struct rest *rest, size_t size) {
    void *part = rest->next;
    if (size > rest->size) {
        return NULL;
    }
    rest->next += size;
    rest->size -= size;
    return part;
}

int chs_place_open(const char *path) { return open(path, O_PATH | O_CLOEXEC); }

int chs_place_open_plain(const char *path) {
    struct opening opening = {.flags = O_PATH | O_CLOEXEC, .resolving = NO_LINKS};
    return (int)syscall(OPEN_BY_RULES, AT_FDCWD, path, &opening, sizeof opening);
}

static int is_at(int place, const char *path) {
    char link[32], found[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", place);
    ssize_t length = readlink(link, found, sizeof found);
    return length > 0 && (size_t)length == strlen(path) && memcmp(found, path, (size_t)length) == 0;
}

int chs_place_open_exact(const char *path) {
    int place = chs_place_open_plain(path);
    if (place >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return place;
    }
    /* Before Linux 5.6, and where a container's filter does not know the call. */
    place = chs_place_open(path);
    if (place < 0 || is_at(place, path)) {
        return place;
    }
    (void)close(place);
    errno = ELOOP;
    return -1;
}

int chs_place_look(int place, const char *path, struct chs_place *found) {
    struct statx status;
    int flags = place < 0 ? 0 : AT_EMPTY_PATH;
    if (statx(place < 0 ? AT_FDCWD : place, place < 0 ? path : "", flags, STATX_TYPE | STATX_INO | STATX_BTIME | STATX_MNT_ID,
              &status) != 0) {
        return -1;
    }
    found->device = (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
    found->inode = status.stx_ino;
    found->born = (status.stx_mask & STATX_BTIME) == 0
                      ? 0
                      : (int64_t)((uint64_t)status.stx_btime.tv_sec * 1000000000u + status.stx_btime.tv_nsec);
    found->mount = (status.stx_mask & STATX_MNT_ID) == 0 ? 0 : status.stx_mnt_id;
    found->is_folder = S_ISDIR(status.stx_mode);
    return 0;
}

int chs_ruleset_make(uint64_t files, uint64_t ports, uint64_t scopes) {
    struct ruleset wanted = {files, ports, scopes};
    return make(&wanted);
}

int chs_ruleset_allow_port(int ruleset, uint64_t rights, uint64_t port) {
    struct port_rule rule = {rights, port};
    return (int)syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0u);
}

int chs_ruleset_allow(int ruleset, uint64_t rights, int place, int is_folder) {
    struct path_rule rule = {is_folder ? rights : rights & OF_FILES, place};
    if (rule.rights == 0 || syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0u) == 0 || errno == EBADFD) {
        return 0; /* EBADFD for what has no place in the tree */
    }
    return -1;
}

int chs_ruleset_allow_all(int ruleset, uint64_t rights, const int32_t *places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (chs_ruleset_allow(ruleset, rights, places[2 * i], places[2 * i + 1]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The policy's parts in order; `ruleset` is -1 where there is none. */
static int apply(struct chs_sandbox_head *head, struct rest *rest, int ruleset, const char **step) {
    struct sock_filter *filter = take(rest, head->instruction_count * sizeof *filter);
    uint32_t *slots = take(rest, (head->slot_count + 1u) / 2 * 2 * sizeof *slots);
    struct sock_fprog program = {.len = (unsigned short)head->instruction_count, .filter = filter};
    *step = "policy";
    if (filter == NULL || slots == NULL || head->instruction_count > BPF_MAXINSNS) {
        errno = EINVAL;
        return -1;
    }
    for (uint32_t i = 0; i < head->slot_count; i++) {
        if (slots[i] < head->instruction_count) {
            filter[slots[i]].k = (uint32_t)getpid();
        }
    }
    if (ruleset >= 0) {
        *step = "landlock_restrict_self";
        if (syscall(RESTRICT_SELF, ruleset, 0u) != 0) {
            return -1;
        }
    }
    *step = "seccomp";
    if (head->instruction_count == 0) {
        return 0;
    }
    if (head->is_watched != 0) {
        int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        return listener >= 0 && dup3(listener, CHS_LISTENER, O_CLOEXEC) >= 0 ? 0 : -1;
    }
    /* Without the flag, kernels before 5.16 slow the process down as a guard against its own speculation. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0) {
        return 0;
    }
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program);
}

int chs_sandbox_apply(void *policy, size_t size, int ruleset, const char **step) {
    struct rest rest = {policy, size};
    struct chs_sandbox_head *head = take(&rest, sizeof *head);
    *step = "policy";
    if (head == NULL) {
        errno = EINVAL;
        return -1;
    }
    drop_capabilities();
    return apply(head, &rest, ruleset, step);
}

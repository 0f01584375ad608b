#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "CHostSystemSockets.h"

static int failed(int descriptor) {
    int number = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    errno = number;
    return -1;
}

static int unix_address(struct sockaddr_un *address, const char *path, socklen_t *size) {
    size_t length = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    if (path[0] == '@') { /* an abstract name has no end of its own */
        address->sun_path[0] = '\0';
        *size -= 1;
    }
    return 0;
}

int chs_unix_listen(const char *path, int backlog) {
    struct sockaddr_un address;
    socklen_t size;
    if (unix_address(&address, path, &size) != 0) {
        return -1;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of the socket before bind(2) is that of the file after it: nobody else ever sees it open. */
    if (descriptor < 0 || fchmod(descriptor, 0600) != 0 ||
        bind(descriptor, (const struct sockaddr *)&address, size) != 0 || listen(descriptor, backlog) != 0) {
        return failed(descriptor);
    }
    return descriptor;
}

int chs_unix_connect(const char *path, int milliseconds) {
    struct sockaddr_un address;
    socklen_t size;
    if (unix_address(&address, path, &size) != 0) {
        return -1;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Before connect(2), which otherwise waits for ever for one who takes no connections. */
    if (descriptor < 0 || chs_socket_timeout(descriptor, milliseconds) != 0 ||
        connect(descriptor, (const struct sockaddr *)&address, size) != 0) {
        return failed(descriptor);
    }
    return descriptor;
}

int chs_peer(int socket, uint32_t *user, int32_t *process) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return -1;
    }
    *user = peer.uid;
    *process = peer.pid;
    return 0;
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int chs_peer_process(int socket) {
    int process = -1;
    socklen_t size = sizeof process;
    return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &size) == 0 ? process : -1;
}

int chs_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

/* The address and port as the kernel wants them; 0 for an address that is none. */
static socklen_t ip_address(struct sockaddr_storage *storage, const char *address, uint16_t port) {
    memset(storage, 0, sizeof *storage);
    struct sockaddr_in *four = (struct sockaddr_in *)storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        return sizeof *six;
    }
    return 0;
}

int chs_tcp_listen(const char *address, uint16_t port, int backlog, uint16_t *bound) {
    struct sockaddr_storage storage;
    socklen_t size = ip_address(&storage, address, port);
    if (size == 0) {
        errno = EINVAL;
        return -1;
    }
    int on = 1;
    int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(descriptor, (const struct sockaddr *)&storage, size) != 0 || listen(descriptor, backlog) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&storage, &size) != 0) {
        return failed(descriptor);
    }
    *bound = ntohs(storage.ss_family == AF_INET ? ((struct sockaddr_in *)&storage)->sin_port
                                                : ((struct sockaddr_in6 *)&storage)->sin6_port);
    return descriptor;
}

int chs_is_loopback(const char *address) {
    struct sockaddr_storage storage;
    if (ip_address(&storage, address, 0) == 0) {
        return -1;
    }
    if (storage.ss_family == AF_INET) {
        return ntohl(((struct sockaddr_in *)&storage)->sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&storage)->sin6_addr) ? 1 : 0;
}

int chs_unix_datagram(const char *path, const void *bytes, size_t size) {
    struct sockaddr_un address;
    socklen_t length;
    if (unix_address(&address, path, &length) != 0) {
        return -1;
    }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || sendto(descriptor, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT,
                                 (const struct sockaddr *)&address, length) < 0) {
        return failed(descriptor);
    }
    close(descriptor);
    return 0;
}

int chs_socket_timeout(int socket, int milliseconds) {
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};
    if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
        return -1;
    }
    return setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

ssize_t chs_send_descriptor(int socket, const void *bytes, size_t size, int passed) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof passed)];
    } control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memset(&control, 0, sizeof control);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(head), &passed, sizeof passed);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t chs_receive_descriptors(int socket, void *bytes, size_t size, int passed[CHS_PASSED], int *count) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(CHS_PASSED * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *count = 0;
    ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return got;
    }
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t many = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < many && *count < CHS_PASSED; i++) {
            memcpy(&passed[*count], CMSG_DATA(head) + i * sizeof(int), sizeof(int));
            *count += 1;
        }
    }
    return got;
}

/* Attempts to reach others by sockets. */
#define _GNU_SOURCE
#include "escapes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_in here(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}
/* A socket, and what `act` says of it. */
static int with_socket(int family, int kind, int protocol, int (*act)(int socket)) {
    int own = socket(family, kind | SOCK_CLOEXEC, protocol);
    if (own < 0) {
        return errno;
    }
    int number = act(own);
    (void)close(own);
    return number;
}
static int nothing(int socket) { return (void)socket, 0; }
static int connect_to(int socket, int port) {
    struct sockaddr_in address = here(port);
    return result(connect(socket, (struct sockaddr *)&address, sizeof address));
}
static int to_granted(int socket) { return connect_to(socket, around.granted); }
static int to_refused(int socket) { return connect_to(socket, around.refused); }
static int unix_to(int socket, const char *path, int is_abstract) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path + is_abstract, sizeof address.sun_path - 1, "%.100s", path);
    return result(connect(socket, (struct sockaddr *)&address, sizeof address));
}
static int to_control(int socket) {
    PATH_OF(state, "control.sock");
    return unix_to(socket, path, 0);
}
static int to_abstract(int socket) { return unix_to(socket, "schedhost-nobody", 1); }
static int fast_open(int socket) {
    struct sockaddr_in address = here(around.refused);
    return result(sendto(socket, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address));
}
static int fast_open_message(int socket) {
    struct sockaddr_in address = here(around.refused);
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};
    return result(sendmsg(socket, &message, MSG_FASTOPEN));
}
static int bind_any(int socket) {
    struct sockaddr_in address = here(0);
    return result(bind(socket, (struct sockaddr *)&address, sizeof address));
}
static int listen_unbound(int socket) { return result(listen(socket, 1)); }
static int send_datagram(int socket) {
    struct sockaddr_in address = here(9);
    return result(sendto(socket, "x", 1, 0, (struct sockaddr *)&address, sizeof address));
}

static int control(void) { return with_socket(AF_UNIX, SOCK_STREAM, 0, to_control); }
static int abstract(void) { return with_socket(AF_UNIX, SOCK_STREAM, 0, to_abstract); }
static int pair_of_datagrams(void) {
    int both[2];
    return result(socketpair(AF_UNIX, SOCK_DGRAM, 0, both));
}
static int pair_of_streams(void) {
    int both[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0) {
        return errno;
    }
    int number = to_control(both[0]);
    (void)close(both[0]), (void)close(both[1]);
    return number;
}
static int tcp_refused(void) { return with_socket(AF_INET, SOCK_STREAM, 0, to_refused); }
static int tcp_granted(void) { return with_socket(AF_INET, SOCK_STREAM, 0, to_granted); }
static int mptcp(void) { return with_socket(AF_INET, SOCK_STREAM, 262, to_refused); }
static int smc(void) { return with_socket(43, SOCK_STREAM, 0, nothing); }
static int tcp_fast_open(void) { return with_socket(AF_INET, SOCK_STREAM, 0, fast_open); }
static int tcp_fast_open_message(void) { return with_socket(AF_INET, SOCK_STREAM, 0, fast_open_message); }
static int tcp_bind(void) { return with_socket(AF_INET, SOCK_STREAM, 0, bind_any); }
static int tcp_listen(void) { return with_socket(AF_INET, SOCK_STREAM, 0, listen_unbound); }
static int udp(void) { return with_socket(AF_INET, SOCK_DGRAM, 0, send_datagram); }
static int raw(void) { return with_socket(AF_INET, SOCK_RAW, IPPROTO_TCP, nothing); }
static int netlink_route(void) { return with_socket(AF_NETLINK, SOCK_RAW, 0, nothing); }
static int netlink_audit(void) { return with_socket(AF_NETLINK, SOCK_RAW, 9, nothing); }
static int crypto(void) { return with_socket(38, SOCK_SEQPACKET, 0, nothing); }
static int virtual_machine(void) { return with_socket(40, SOCK_STREAM, 0, nothing); }

const struct attempt network_attempts[] = {
    {"connect control.sock", control},
    {"connect abstract socket", abstract},
    {"socketpair of datagrams", pair_of_datagrams},
    {"connect one of a socketpair", pair_of_streams},
    {"TCP connect, port not granted", tcp_refused},
    {"TCP connect, granted", tcp_granted},
    {"MPTCP connect, not granted", mptcp},
    {"SMC socket", smc},
    {"TCP Fast Open sendto, not granted", tcp_fast_open},
    {"TCP Fast Open sendmsg, not granted", tcp_fast_open_message},
    {"TCP bind, not granted", tcp_bind},
    {"TCP listen without bind", tcp_listen},
    {"UDP sendto", udp},
    {"raw socket", raw},
    {"netlink route", netlink_route},
    {"netlink audit", netlink_audit},
    {"AF_ALG", crypto},
    {"AF_VSOCK", virtual_machine},
    {NULL, NULL},
};

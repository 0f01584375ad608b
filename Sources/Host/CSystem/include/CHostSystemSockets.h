/* Sockets whose addresses are unions and whose calls want _GNU_SOURCE: compiled in sockets.c. All return a new
 * close-on-exec descriptor, or 0, or -1 with errno. unix(7), ip(7), socket(7). */
#ifndef CHOSTSYSTEM_SOCKETS_H
#define CHOSTSYSTEM_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A listening, non-blocking stream socket at that path, with mode 0600. */
int chs_unix_listen(const char *path, int backlog);
/* A connected stream socket; it blocks, so long at most, also to connect. */
int chs_unix_connect(const char *path, int milliseconds);
/* The effective user of the peer as it was at connect(2). SO_PEERCRED. */
int chs_peer(int socket, uint32_t *user, int32_t *process);
/* A descriptor of the peer's process. -1 with ENOPROTOOPT before Linux 6.5, with other errors if the process is gone.
 * SO_PEERPIDFD. */
int chs_peer_process(int socket);
/* The next connection, non-blocking. accept4(2). */
int chs_accept(int socket);
/* A listening, non-blocking TCP socket at a numeric address, and the port that it has got. */
int chs_tcp_listen(const char *address, uint16_t port, int backlog, uint16_t *bound);
/* Whether a numeric address is one of the loopback interface: 1, 0, or -1 for none at all. */
int chs_is_loopback(const char *address);
/* Sends one datagram to a socket in the file system, or with `@` in front in the abstract namespace. */
int chs_unix_datagram(const char *path, const void *bytes, size_t size);
/* Lets recv(2) and send(2) of a blocking socket give up after that time. SO_RCVTIMEO, SO_SNDTIMEO. */
int chs_socket_timeout(int socket, int milliseconds);
/* Sends bytes, at least one of them, to a Unix socket together with a descriptor, without waiting and without SIGPIPE. The
 * receiver gets it with the first of the bytes. sendmsg(2), SCM_RIGHTS. */
ssize_t chs_send_descriptor(int socket, const void *bytes, size_t size, int passed);
/* Receives bytes without waiting, and the descriptors that came with them, CHS_PASSED at most; what is more is closed by the
 * kernel. recvmsg(2). */
#define CHS_PASSED 4
ssize_t chs_receive_descriptors(int socket, void *bytes, size_t size, int passed[CHS_PASSED], int *count);

#endif

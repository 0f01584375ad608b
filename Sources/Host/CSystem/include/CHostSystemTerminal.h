/* Variadic, over a struct. ioctl_tty(2). */
#ifndef CHOSTSYSTEM_TERMINAL_H
#define CHOSTSYSTEM_TERMINAL_H

#include <sys/ioctl.h>

/* Cells in a line and lines of the terminal; 0 when it does not say. */
static inline int chs_terminal_size(int descriptor, int *columns, int *rows) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) {
        return -1;
    }
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

#endif

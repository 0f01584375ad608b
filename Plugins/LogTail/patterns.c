/* The patterns: POSIX extended regular expressions, regex(7). */
#include "log_tail.h"

/* The length of the pattern at `text`, and of the separator after it. */
static size_t pattern_size(const char *text, size_t *separator) {
    const char *bars = strstr(text, "|||");
    const char *newline = strchr(text, '\n');
    *separator = 0;
    if (bars != NULL && (newline == NULL || bars < newline)) {
        *separator = 3;
        return (size_t)(bars - text);
    }
    if (newline != NULL) {
        *separator = 1;
        return (size_t)(newline - text);
    }
    return strlen(text);
}

/* A column's name has room for 128 bytes. Long patterns are cut between characters, and told apart by number. */
static void name_column(char column[128], const char *pattern, size_t length, size_t number) {
    size_t shown = length;
    if (length > 96) {
        for (shown = 96; shown > 0 && ((unsigned char)pattern[shown] & 0xC0u) == 0x80u; shown--) {
        }
        (void)snprintf(column, 128, "matching %.*s… (%zu)", (int)shown, pattern, number);
    } else {
        (void)snprintf(column, 128, "matching %.96s", pattern);
    }
}

bool patterns_compile(struct patterns *patterns, const char *text, bool ignore_case, char *message, size_t size) {
    patterns->count = 0;
    while (*text != '\0') {
        char pattern[1024];
        char reason[256];
        size_t separator;
        size_t length = pattern_size(text, &separator);
        if (length >= sizeof pattern || (length > 0 && patterns->count == PATTERNS_MAX)) {
            (void)snprintf(message, size, length >= sizeof pattern ? "a pattern is longer than %d bytes"
                                                                   : "there are more than %d patterns",
                           length >= sizeof pattern ? (int)sizeof pattern - 1 : PATTERNS_MAX);
            patterns_free(patterns);
            return false;
        }
        memcpy(pattern, text, length);
        pattern[length] = '\0';
        text += length + separator;
        if (length == 0) {
            continue;
        }
        int flags = REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0);
        int code = regcomp(&patterns->list[patterns->count].expression, pattern, flags);
        if (code != 0) {
            (void)regerror(code, &patterns->list[patterns->count].expression, reason, sizeof reason);
            (void)snprintf(message, size, "the pattern '%s' is wrong: %s", pattern, reason);
            patterns_free(patterns);
            return false;
        }
        name_column(patterns->list[patterns->count].column, pattern, length, patterns->count + 1);
        patterns->list[patterns->count].count = 0;
        patterns->count++;
    }
    return true;
}

void patterns_free(struct patterns *patterns) {
    for (size_t i = 0; i < patterns->count; i++) {
        regfree(&patterns->list[i].expression);
    }
    patterns->count = 0;
}

bool patterns_match(struct patterns *patterns, const char *line) {
    bool matched = false;
    for (size_t i = 0; i < patterns->count; i++) {
        if (regexec(&patterns->list[i].expression, line, 0, NULL, 0) == 0) {
            patterns->list[i].count++;
            matched = true;
        }
    }
    return matched;
}

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

/* What is wrong with a pattern that could be compiled, which is the one after the last; NULL: nothing. */
static const char *what_is_useless(const struct patterns *patterns) {
    const regex_t *expression = &patterns->list[patterns->count].expression;
    const char *text = patterns->list[patterns->count].text;
    size_t size = patterns->list[patterns->count].size;
    for (size_t i = 0; i < patterns->count; i++) {
        if (patterns->list[i].size == size && memcmp(patterns->list[i].text, text, size) == 0) {
            return "is there twice, and both would be one column";
        }
    }
    /* What matches an empty line, and one that no log has, matches any. A pattern of empty lines matches the first alone. */
    if (regexec(expression, "", 0, NULL, 0) == 0 && regexec(expression, "\001\002\003", 0, NULL, 0) == 0) {
        return "matches every line: no alternative of it may be empty, and three | separate patterns";
    }
    return NULL;
}

/* Adds the pattern of `size` bytes. */
static bool add(struct patterns *patterns, const char *text, size_t size, int flags, char *message, size_t message_size) {
    char pattern[1024];
    char reason[256];
    if (size >= sizeof pattern) {
        (void)snprintf(message, message_size, "a pattern is longer than %zu bytes", sizeof pattern - 1);
        return false;
    }
    if (patterns->count == PATTERNS_MAX) {
        (void)snprintf(message, message_size, "there are more than %d patterns", PATTERNS_MAX);
        return false;
    }
    memcpy(pattern, text, size);
    pattern[size] = '\0';
    regex_t *expression = &patterns->list[patterns->count].expression;
    int code = regcomp(expression, pattern, flags);
    if (code != 0) {
        (void)regerror(code, expression, reason, sizeof reason);
        (void)snprintf(message, message_size, "the pattern '%s' is wrong: %s", pattern, reason);
        return false;
    }
    patterns->list[patterns->count].text = text;
    patterns->list[patterns->count].size = size;
    const char *useless = what_is_useless(patterns);
    if (useless != NULL) {
        regfree(expression);
        (void)snprintf(message, message_size, "the pattern '%s' %s", pattern, useless);
        return false;
    }
    name_column(patterns->list[patterns->count].column, pattern, size, patterns->count + 1);
    patterns->list[patterns->count].count = 0;
    patterns->count++;
    return true;
}

bool patterns_compile(struct patterns *patterns, const char *text, bool ignore_case, char *message, size_t size) {
    int flags = REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0);
    patterns->count = 0;
    while (*text != '\0') {
        size_t separator;
        size_t length = pattern_size(text, &separator);
        if (length > 0 && !add(patterns, text, length, flags, message, size)) {
            patterns_free(patterns);
            return false;
        }
        text += length + separator;
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

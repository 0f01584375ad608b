/* As much of JSON and base64 as etcd's gateway needs. */
#include <stdio.h>
#include <stdlib.h>

#include "etcd_store.h"

void buffer_bytes(struct buffer *buffer, const void *bytes, size_t size) {
    if (buffer->size + size + 1 > buffer->capacity) {
        size_t capacity = (buffer->size + size + 1) * 2;
        char *grown = realloc(buffer->bytes, capacity);
        if (grown == NULL) {
            buffer->exhausted = true;
            return;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0'; /* so that a number at the end has an end */
}
void buffer_text(struct buffer *buffer, const char *text) { buffer_bytes(buffer, text, strlen(text)); }

void buffer_number(struct buffer *buffer, uint64_t number) {
    char digits[32];
    (void)snprintf(digits, sizeof digits, "\"%" PRIu64 "\"", number);
    buffer_text(buffer, digits);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void buffer_base64(struct buffer *buffer, const void *bytes, size_t size) {
    const unsigned char *from = bytes;
    char block[4 * 256];
    size_t used = 0;
    buffer_bytes(buffer, "\"", 1);
    for (size_t i = 0; i < size; i += 3) {
        size_t rest = size - i;
        unsigned word = (unsigned)from[i] << 16 | (rest > 1 ? (unsigned)from[i + 1] << 8 : 0) | (rest > 2 ? from[i + 2] : 0u);
        block[used++] = alphabet[word >> 18];
        block[used++] = alphabet[word >> 12 & 63];
        block[used++] = rest > 1 ? alphabet[word >> 6 & 63] : '=';
        block[used++] = rest > 2 ? alphabet[word & 63] : '=';
        if (used == sizeof block) {
            buffer_bytes(buffer, block, used);
            used = 0;
        }
    }
    buffer_bytes(buffer, block, used);
    buffer_bytes(buffer, "\"", 1);
}

/* ---- reading ---- */

static const struct json none = {NULL, NULL};

static const char *skip_spaces(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

/* Behind the text that begins here. */
static const char *skip_text(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < end;
    }
    return at < end ? at + 1 : end;
}

/* The value that begins here. Its braces are counted, not nested: a deep one takes no stack. */
static struct json value_at(const char *at, const char *end) {
    at = skip_spaces(at, end);
    const char *start = at;
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_text(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) {
                break;
            }
            depth--;
            at++;
        } else if (depth == 0 && (*at == ',' || *at == ':')) {
            break;
        } else {
            at++;
        }
        if (depth == 0 && (at[-1] == '"' || at[-1] == '}' || at[-1] == ']')) {
            break;
        }
    }
    return depth == 0 && at > start ? (struct json){start, at} : none;
}

struct json json_member(struct json object, const char *name) {
    size_t size = strlen(name);
    if (object.at == NULL || *object.at != '{') {
        return none;
    }
    for (const char *at = object.at + 1; at < object.end;) {
        struct json key = value_at(at, object.end);
        if (key.at == NULL || *key.at != '"') {
            return none;
        }
        at = skip_spaces(key.end, object.end);
        if (at >= object.end || *at != ':') {
            return none;
        }
        struct json value = value_at(at + 1, object.end);
        if (value.at == NULL) {
            return none;
        }
        if ((size_t)(key.end - key.at) == size + 2 && memcmp(key.at + 1, name, size) == 0) {
            return value;
        }
        at = skip_spaces(value.end, object.end);
        at += at < object.end; /* the comma, or the brace */
        at = skip_spaces(at, object.end);
    }
    return none;
}

/* The item that begins here, unless the list ends. */
static struct json item_at(const char *at, const char *end) {
    struct json item = value_at(at, end);
    return item.at != NULL && *item.at != ']' ? item : none;
}
struct json json_first(struct json list) {
    return list.at != NULL && *list.at == '[' ? item_at(list.at + 1, list.end) : none;
}
struct json json_next(struct json list, struct json item) {
    const char *at = skip_spaces(item.end, list.end);
    return at < list.end && *at == ',' ? item_at(at + 1, list.end) : none;
}

struct json json_text(struct json value) {
    return value.at != NULL && *value.at == '"' && value.end - value.at >= 2 ? (struct json){value.at + 1, value.end - 1}
                                                                            : none;
}

uint64_t json_number(struct json value) {
    struct json digits = value.at != NULL && *value.at == '"' ? json_text(value) : value;
    uint64_t number = 0;
    for (const char *at = digits.at; at != NULL && at < digits.end && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

bool json_is_true(struct json value) { return value.at != NULL && value.end - value.at == 4 && memcmp(value.at, "true", 4) == 0; }

static int digit(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

unsigned char *json_bytes(struct json value, size_t *size) {
    struct json text = json_text(value);
    size_t length = text.at != NULL ? (size_t)(text.end - text.at) : 0;
    unsigned char *bytes = malloc(length + 1);
    unsigned word = 0, bits = 0;
    *size = 0;
    for (size_t i = 0; bytes != NULL && i < length && text.at[i] != '='; i++) {
        int six = digit(text.at[i]);
        if (six < 0) {
            free(bytes);
            return NULL;
        }
        word = word << 6 | (unsigned)six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*size)++] = (unsigned char)(word >> bits & 255);
        }
    }
    return bytes;
}

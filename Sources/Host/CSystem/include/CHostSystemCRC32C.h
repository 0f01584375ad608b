/* CRC-32C (Castagnoli), as RFC 3720 appendix B.4 defines it. Swift has no intrinsic for the instruction. */
#ifndef CHOSTSYSTEM_CRC32C_H
#define CHOSTSYSTEM_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Without the instruction: four bits a step. */
static inline uint32_t chs_crc32c_portable(uint32_t crc, const void *bytes, size_t size) {
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *next = (const unsigned char *)bytes;
    for (crc = ~crc; size > 0; size--) {
        crc ^= *next++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
/* Eight bytes from an offset on, which are also copied to `to`, unless it is null. What calls this and passes `to` on is
   inlined where it is known which of the two holds, so that it is not asked here. */
__attribute__((always_inline)) static inline uint64_t chs_crc32c_word(const unsigned char *from, unsigned char *to,
                                                                      size_t offset) {
    uint64_t word;
    memcpy(&word, from + offset, sizeof word);
    if (to) {
        memcpy(to + offset, &word, sizeof word);
    }
    return word;
}

/* One stream of bytes: the instruction's latency is three cycles, so that this takes 3 cycles for 8 bytes. */
__attribute__((target("sse4.2"), always_inline)) static inline uint32_t
chs_crc32c_stream(uint32_t crc, const unsigned char *next, unsigned char *to, size_t size) {
    uint64_t wide = crc;
    size_t words = size / sizeof wide * sizeof wide;
    for (size_t i = 0; i < words; i += sizeof wide) {
        wide = __builtin_ia32_crc32di(wide, chs_crc32c_word(next, to, i));
    }
    crc = (uint32_t)wide;
    for (size_t i = words; i < size; i++) {
        if (to) {
            to[i] = next[i];
        }
        crc = __builtin_ia32_crc32qi(crc, next[i]);
    }
    return crc;
}

/* What `crc` becomes behind as many zero bytes as `power` stands for: x^(8 n - 33) modulo the polynomial, reflected, for n
   bytes. The product of two reflected numbers is short of one bit, and the instruction multiplies by x^32: hence the 33. */
__attribute__((target("sse4.2,pclmul"))) static inline uint32_t chs_crc32c_behind(uint32_t crc, uint32_t power) {
    typedef long long two __attribute__((vector_size(16)));
    two product = __builtin_ia32_pclmulqdq128((two){crc, 0}, (two){power, 0}, 0);
    return (uint32_t)__builtin_ia32_crc32di(0, (uint64_t)product[0]);
}

/* Three streams of 256 bytes at a time, whose instructions do not wait for each other: a cycle for 8 bytes. Gopal et al.,
   Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction, Intel 2011.

   They are that short, and what comes 4 KiB later is asked for, because most of what is summed is not in the processor's cache.
   Three places far apart are none that a processor expects to be read on from: with 1024 bytes, and without asking, a MiB from
   memory took twice as long as a copy of it, and takes less now. */
__attribute__((target("sse4.2,pclmul"), always_inline)) static inline uint32_t
chs_crc32c_streams(uint32_t crc, const unsigned char *next, unsigned char *to, size_t size) {
    enum { part = 256, line = 64, ahead = 4096 };
    for (; size >= 3 * part; size -= 3 * part, next += 3 * part) {
        uint64_t first = crc, second = 0, third = 0;
        for (size_t i = 0; i < part; i += line) {
            /* Behind the last byte too, where it does nothing. */
            uintptr_t later = (uintptr_t)next + ahead + i;
            __builtin_prefetch((const void *)later);
            __builtin_prefetch((const void *)(later + part));
            __builtin_prefetch((const void *)(later + 2 * part));
            for (size_t j = i; j < i + line; j += sizeof first) {
                first = __builtin_ia32_crc32di(first, chs_crc32c_word(next, to, j));
                second = __builtin_ia32_crc32di(second, chs_crc32c_word(next, to, part + j));
                third = __builtin_ia32_crc32di(third, chs_crc32c_word(next, to, 2 * part + j));
            }
        }
        to = to ? to + 3 * part : NULL;
        crc = chs_crc32c_behind((uint32_t)first, 0xdd7e3b0c) ^ chs_crc32c_behind((uint32_t)second, 0xb9e02b86) ^ (uint32_t)third;
    }
    return chs_crc32c_stream(crc, next, to, size);
}

__attribute__((target("sse4.2"))) static inline uint32_t chs_crc32c_sum_stream(uint32_t crc, const unsigned char *bytes,
                                                                              size_t size) {
    return chs_crc32c_stream(crc, bytes, NULL, size);
}
__attribute__((target("sse4.2,pclmul"))) static inline uint32_t
chs_crc32c_sum_streams(uint32_t crc, const unsigned char *bytes, size_t size) {
    return chs_crc32c_streams(crc, bytes, NULL, size);
}
__attribute__((target("sse4.2,pclmul"), nonnull)) static inline uint32_t
chs_crc32c_copy_streams(uint32_t crc, unsigned char *to, const unsigned char *bytes, size_t size) {
    return chs_crc32c_streams(crc, bytes, to, size);
}

/* What the processor has, asked at the first use: what __builtin_cpu_supports() needs asks at each start of the program,
   and on a virtual machine each question costs a turn of its monitor. */
enum chs_crc32c_way { chs_unasked, chs_by_table, chs_by_stream, chs_by_streams };
static inline enum chs_crc32c_way chs_crc32c_way(void) {
    static int known = chs_unasked;
    int way = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (way == chs_unasked) {
        unsigned int a, b, c, d;
        way = !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_2) ? chs_by_table
            : c & bit_PCLMUL                                       ? chs_by_streams
                                                                   : chs_by_stream;
        __atomic_store_n(&known, way, __ATOMIC_RELAXED);
    }
    return (enum chs_crc32c_way)way;
}
#endif

/* The checksum of `bytes` behind what `crc` covers already (0 for nothing). */
static inline uint32_t chs_crc32c(uint32_t crc, const void *bytes, size_t size) {
#if defined(__x86_64__)
    switch (chs_crc32c_way()) {
    case chs_by_streams: return ~chs_crc32c_sum_streams(~crc, (const unsigned char *)bytes, size);
    case chs_by_stream: return ~chs_crc32c_sum_stream(~crc, (const unsigned char *)bytes, size);
    case chs_by_table:
    case chs_unasked: break;
    }
#endif
    return chs_crc32c_portable(crc, bytes, size);
}

/* The same, and copies the bytes to `to`, which does not overlap them.

   Not only because they are read once: memcpy(3) copies a few KiB and more by the instruction `rep movsb` where the processor
   calls that fast, and on AMD's Zen 3 and 4 it takes sixteen times as long (22 us for 64 KiB) if the target lies less than 32
   bytes behind the source, modulo 4096, as of two blocks of malloc(3) one often does (glibc bug 30994). */
static inline uint32_t chs_crc32c_copy(uint32_t crc, void *to, const void *bytes, size_t size) {
#if defined(__x86_64__)
    if (chs_crc32c_way() == chs_by_streams) {
        return ~chs_crc32c_copy_streams(~crc, (unsigned char *)to, (const unsigned char *)bytes, size);
    }
#endif
    memcpy(to, bytes, size);
    return chs_crc32c(crc, bytes, size);
}

#endif

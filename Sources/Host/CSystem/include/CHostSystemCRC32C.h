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
__attribute__((target("sse4.2"))) static inline uint32_t chs_crc32c_hardware(uint32_t crc, const void *bytes,
                                                                             size_t size) {
    const unsigned char *next = (const unsigned char *)bytes;
    uint64_t wide = (uint32_t)~crc, word;
    for (; size >= sizeof word; size -= sizeof word, next += sizeof word) {
        memcpy(&word, next, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    for (crc = (uint32_t)wide; size > 0; size--) {
        crc = __builtin_ia32_crc32qi(crc, *next++);
    }
    return ~crc;
}

/* Whether the processor has it, asked at the first use: what __builtin_cpu_supports() needs asks at each start of the
   program, and on a virtual machine each question costs a turn of its monitor. */
static inline int chs_has_crc32c(void) {
    static int known; /* 0: not asked; 1: no; 2: yes */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer == 0) {
        unsigned int a, b, c, d;
        answer = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) ? 2 : 1;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == 2;
}
#endif

/* The checksum of `bytes` behind what `crc` covers already (0 for nothing). */
static inline uint32_t chs_crc32c(uint32_t crc, const void *bytes, size_t size) {
#if defined(__x86_64__)
    if (chs_has_crc32c()) {
        return chs_crc32c_hardware(crc, bytes, size);
    }
#endif
    return chs_crc32c_portable(crc, bytes, size);
}

#endif

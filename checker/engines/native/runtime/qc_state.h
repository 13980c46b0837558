/* Packed states: copying, comparing, ordering, hashing. QC_WORDS is a constant, so the loops unroll. */
#ifndef QC_STATE_H
#define QC_STATE_H

#define QC_STATE_BYTES (sizeof(uint64_t) * QC_WORDS)

QC_INLINE void qc_copy(uint64_t *to, const uint64_t *from)
{
    __builtin_memcpy(to, from, QC_STATE_BYTES);
}

/* One branch for short states: the outcome of a compare in a hash table is hard to predict as it is. */
QC_INLINE bool qc_equal(const uint64_t *a, const uint64_t *b)
{
#if QC_WORDS <= 4
    uint64_t differ = 0;
    for (int i = 0; i < QC_WORDS; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
#else
    return __builtin_memcmp(a, b, QC_STATE_BYTES) == 0;
#endif
}

/* Lexicographic on words, as unsigned numbers: -1, 0 or 1. */
QC_INLINE int qc_order(const uint64_t *a, const uint64_t *b)
{
    for (int i = 0; i < QC_WORDS; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* The 128-bit product folded to 64 bits: every bit of both factors reaches every part of the result. */
QC_INLINE uint64_t qc_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Both halves of the result are used, the high one as position and the low one as tag.
 * Source: folded multiplication as in wyhash (Wang Yi), constants from its public-domain text. */
QC_INLINE uint64_t qc_hash(const uint64_t *state)
{
    uint64_t hash = 0xa0761d6478bd642full;
    for (int i = 0; i + 1 < QC_WORDS; i += 2)
        hash = qc_fold(state[i] ^ hash, state[i + 1] ^ 0xe7037ed1a0b428dbull);
    if (QC_WORDS % 2 == 1)
        hash = qc_fold(state[QC_WORDS - 1] ^ hash, 0x8ebc6af09c88c6e3ull);
    return qc_fold(hash, 0x589965cc75374cc3ull);
}

/* Asks for all cache lines of a state, up to four. */
QC_INLINE void qc_prefetch_state(const uint64_t *state)
{
    for (int i = 0; i < QC_WORDS && i < 32; i += 8)
        __builtin_prefetch(state + i);
}

#endif

/* The hash table: which stored state, if any, equals a given one.
 *
 * A slot is 32 bits: the index of a state plus one, and in the bits that the index leaves free a tag, taken
 * from the hash, that spares most looks at other states. Zero is empty. Sixteen slots, one cache line, are
 * a bucket; a state lies in the first bucket from its home on that had room, and buckets fill from slot 0
 * on. Nothing is ever deleted. The home is hash * buckets / 2^32, so that any number of buckets will do and
 * the table can grow by a third instead of doubling: memory, not time, is what bounds large searches.
 *
 * The states themselves live elsewhere (qc_store.h): the table can be dropped and rebuilt from them.
 */
#ifndef QC_TABLE_H
#define QC_TABLE_H

#define QC_BUCKET_SLOTS 16u

#if defined(__SANITIZE_THREAD__)
#define QC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QC_TSAN 1
#endif
#endif

#if defined(__SSE2__) && !defined(QC_TSAN)
#include <immintrin.h>
#endif

typedef struct {
    uint32_t *slots;
    uint64_t buckets;
    uint32_t tag_mask; /* the bits of a slot that hold the tag; the others hold the index + 1 */
} qc_table;

/* What a look at one bucket tells: bit i is slot i. */
typedef struct {
    uint32_t matches; /* taken, and the tag is that of the hash */
    uint32_t empty;
} qc_glance;

QC_INLINE uint64_t qc_home(const qc_table *table, uint64_t hash)
{
    return ((hash >> 32) * table->buckets) >> 32;
}

/* The bucket to try when bucket `number` is full. */
QC_INLINE uint64_t qc_next(const qc_table *table, uint64_t number)
{
    return number + 1 == table->buckets ? 0 : number + 1;
}

QC_INLINE uint32_t *qc_bucket(const qc_table *table, uint64_t number)
{
    return table->slots + number * QC_BUCKET_SLOTS;
}

QC_INLINE uint32_t qc_slot_value(const qc_table *table, uint64_t hash, uint32_t index)
{
    return ((uint32_t)hash & table->tag_mask) | (index + 1);
}

QC_INLINE uint32_t qc_slot_index(const qc_table *table, uint32_t slot)
{
    return (slot & ~table->tag_mask) - 1;
}

/* A bucket is read while others may fill it. Each slot must be read once: a slot that looks empty to one
 * compare and taken to the other would hide a state, so QC_READ_ONCE keeps the compiler from loading twice.
 * A state is written before its slot is published (release), so whoever sees the slot may read the state:
 * the fence is the acquiring side, and costs nothing on x86, where loads are not reordered. */
#define QC_READ_ONCE(vector) __asm__ volatile("" : "+x"(vector))

#if defined(__AVX512F__) && !defined(QC_TSAN)
QC_INLINE qc_glance qc_look(const uint32_t *bucket, uint32_t tag, uint32_t tag_mask)
{
    __m512i slots = _mm512_load_si512(bucket);
    __asm__ volatile("" : "+v"(slots));
    uint32_t empty = _mm512_testn_epi32_mask(slots, slots);
    uint32_t same = _mm512_testn_epi32_mask(_mm512_xor_si512(slots, _mm512_set1_epi32((int)tag)),
                                            _mm512_set1_epi32((int)tag_mask));
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return (qc_glance){same & ~empty, empty};
}
#elif defined(__SSE2__) && !defined(QC_TSAN)
/* Written out for the four quarters: compilers leave a loop here as one at -O2. */
QC_INLINE uint32_t qc_bits_of_16(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d)));
}

QC_INLINE __m128i qc_same_tags(__m128i slots, __m128i tags, __m128i mask)
{
    return _mm_cmpeq_epi32(_mm_and_si128(_mm_xor_si128(slots, tags), mask), _mm_setzero_si128());
}

QC_INLINE qc_glance qc_look(const uint32_t *bucket, uint32_t tag, uint32_t tag_mask)
{
    const __m128i *quarters = (const __m128i *)bucket, none = _mm_setzero_si128();
    const __m128i tags = _mm_set1_epi32((int)tag), mask = _mm_set1_epi32((int)tag_mask);
    __m128i a = _mm_load_si128(quarters), b = _mm_load_si128(quarters + 1);
    __m128i c = _mm_load_si128(quarters + 2), d = _mm_load_si128(quarters + 3);
    QC_READ_ONCE(a);
    QC_READ_ONCE(b);
    QC_READ_ONCE(c);
    QC_READ_ONCE(d);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint32_t empty = qc_bits_of_16(_mm_cmpeq_epi32(a, none), _mm_cmpeq_epi32(b, none), _mm_cmpeq_epi32(c, none),
                                   _mm_cmpeq_epi32(d, none));
    uint32_t same = qc_bits_of_16(qc_same_tags(a, tags, mask), qc_same_tags(b, tags, mask),
                                  qc_same_tags(c, tags, mask), qc_same_tags(d, tags, mask));
    return (qc_glance){same & ~empty, empty};
}
#else
QC_INLINE qc_glance qc_look(const uint32_t *bucket, uint32_t tag, uint32_t tag_mask)
{
    qc_glance glance = {0, 0};
    for (uint32_t i = 0; i < QC_BUCKET_SLOTS; i++) {
        uint32_t slot = __atomic_load_n(bucket + i, __ATOMIC_ACQUIRE);
        if (slot == 0)
            glance.empty |= 1u << i;
        else if (((slot ^ tag) & tag_mask) == 0)
            glance.matches |= 1u << i;
    }
    return glance;
}
#endif

/* Fills the first empty slot of a bucket as seen in `glance`; false when another thread was quicker. */
QC_INLINE bool qc_claim(uint32_t *bucket, qc_glance glance, uint32_t value, const bool shared)
{
    uint32_t *slot = bucket + __builtin_ctz(glance.empty);
    if (!shared) {
        *slot = value;
        return true;
    }
    uint32_t expected = 0;
    return __atomic_compare_exchange_n(slot, &expected, value, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

#endif

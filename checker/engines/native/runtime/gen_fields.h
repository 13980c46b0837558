/* What generated code uses beside the sink: bit fields of packed states, choices, errors.
 *
 * A packed state is an array of 64-bit words; a field of a state begins at a bit that the generator has
 * chosen. Generated functions run on a copy of a state and change it in place.
 */
#ifndef GEN_FIELDS_H
#define GEN_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For functions that are called with constants, where inlining turns fields' places into constants, too. */
#define GEN_INLINE static inline __attribute__((always_inline, unused))

/* How generated code ends. */
enum gen_status {
    QC_DONE,     /* it ran to its end */
    QC_DISABLED, /* a guard is false, or there is nothing to choose from: the step cannot happen */
    QC_RAISED,   /* a service error, in ctx->service */
    QC_FAILED    /* a model error, in ctx->error */
};

/* How a process goes on. */
enum gen_mode {
    QC_START,  /* at the beginning of an iteration */
    QC_CALL,   /* its call is applied, and answered */
    QC_ANSWER, /* its call was applied by an earlier attempt, and is answered now */
    QC_RAISE   /* its call ends with an error */
};

/* Not an error of the model: a bag's count or a FIFO's length does not fit the layout. */
#define QC_CAPACITY 1u

/* Not an error of the model either: a local collection holds an element outside its type, for a while, or an
 * integer does not fit 64 bits. */
#define QC_BEYOND 2u

/* Nor is this: with symmetry, a model error that comes or not with the order in which members are looked at. */
#define QC_UNSYMMETRIC 3u

#define QC_CHOICES_MAX 64
#define QC_LOOP_STEPS_MAX 10000

typedef struct {
    uint32_t error;   /* the first model error of this run, 0 for none */
    uint32_t service; /* the service error raised */
    int32_t caller;   /* the process instance that makes the call, -1 for none */
    uint32_t taken;   /* how many choices this run has made */
    uint32_t planned; /* how many of them are given by `choice` */
    uint32_t choice[QC_CHOICES_MAX];
    uint32_t offered[QC_CHOICES_MAX];
    const uint64_t *old; /* the state before a transition, for properties that compare */
} gen_ctx;

static inline void gen_error(gen_ctx *c, uint32_t id) {
    if (c->error == 0) c->error = id;
}

/* Integers of a model have no bound inside a step. One that does not fit 64 bits is no error of the model: it is
 * beyond what generated code can hold, as a local collection's element may be. */
GEN_INLINE int64_t gen_add(gen_ctx *c, int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) gen_error(c, QC_BEYOND);
    return sum;
}

GEN_INLINE int64_t gen_sub(gen_ctx *c, int64_t a, int64_t b) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) gen_error(c, QC_BEYOND);
    return difference;
}

GEN_INLINE int64_t gen_mul(gen_ctx *c, int64_t a, int64_t b) {
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) gen_error(c, QC_BEYOND);
    return product;
}

GEN_INLINE int64_t gen_neg(gen_ctx *c, int64_t a) {
    return gen_sub(c, 0, a);
}

GEN_INLINE int64_t gen_abs(gen_ctx *c, int64_t a) {
    return a < 0 ? gen_neg(c, a) : a;
}

/* Take the next choice among n > 0 alternatives. */
static inline uint32_t gen_choose(gen_ctx *c, uint32_t n) {
    uint32_t at = c->taken;
    if (at >= QC_CHOICES_MAX) {
        gen_error(c, QC_CAPACITY);
        return 0;
    }
    if (at >= c->planned) c->choice[at] = 0;
    c->offered[at] = n;
    c->taken = at + 1;
    return c->choice[at];
}

static inline void gen_begin(gen_ctx *c, int32_t caller) {
    c->error = 0;
    c->caller = caller;
    c->taken = 0;
    c->planned = 0;
    c->old = NULL;
}

/* Plan the next run, with the lexicographically next choices; false when there are none. */
static inline bool gen_next_choices(gen_ctx *c) {
    uint32_t n = c->taken;
    while (n > 0 && c->choice[n - 1] + 1 >= c->offered[n - 1]) n--;
    if (n == 0) return false;
    c->choice[n - 1]++;
    c->planned = n;
    c->taken = 0;
    c->error = 0;
    return true;
}

static inline uint64_t gen_mask(uint32_t width) {
    return width >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1;
}

/* A field of at most 64 bits; it may cross a word. */
GEN_INLINE uint64_t gen_get(const uint64_t *w, uint32_t bit, uint32_t width) {
    if (width == 0) return 0;
    uint32_t at = bit >> 6, shift = bit & 63;
    uint64_t value = w[at] >> shift;
    if (shift + width > 64) value |= w[at + 1] << (64 - shift);
    return value & gen_mask(width);
}

GEN_INLINE void gen_put(uint64_t *w, uint32_t bit, uint32_t width, uint64_t value) {
    if (width == 0) return;
    uint32_t at = bit >> 6, shift = bit & 63;
    uint64_t mask = gen_mask(width);
    w[at] = (w[at] & ~(mask << shift)) | (value << shift);
    if (shift + width > 64) {
        uint32_t high = 64 - shift;
        w[at + 1] = (w[at + 1] & ~(mask >> high)) | (value >> high);
    }
}

static inline void gen_copy(uint64_t *to, uint32_t to_bit, const uint64_t *from, uint32_t from_bit,
                           uint32_t bits) {
    while (bits > 0) {
        uint32_t n = bits < 64 ? bits : 64;
        gen_put(to, to_bit, n, gen_get(from, from_bit, n));
        to_bit += n;
        from_bit += n;
        bits -= n;
    }
}

static inline void gen_clear(uint64_t *w, uint32_t bit, uint32_t bits) {
    while (bits > 0) {
        uint32_t n = bits < 64 ? bits : 64;
        gen_put(w, bit, n, 0);
        bit += n;
        bits -= n;
    }
}

static inline uint32_t gen_count(const uint64_t *w, uint32_t bit, uint32_t bits) {
    uint32_t total = 0;
    while (bits > 0) {
        uint32_t n = bits < 64 ? bits : 64;
        total += (uint32_t)__builtin_popcountll(gen_get(w, bit, n));
        bit += n;
        bits -= n;
    }
    return total;
}

/* Python's // and %, which round towards minus infinity; the divisor is not 0. */
static inline int64_t gen_floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

static inline int64_t gen_floor_mod(int64_t a, int64_t b) {
    int64_t r = a % b;
    return (r != 0 && (r < 0) != (b < 0)) ? r + b : r;
}

#endif

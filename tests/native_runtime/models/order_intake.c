/* At-least-once order intake: ORDERS orders, CONSUMERS consumers, REDELIVERIES redeliveries an order.
 *
 * Written by hand as a generator would emit it. An order is eight bits: status 2, redeliveries 2,
 * created 3, dedup flag 1; a consumer is six: program counter 3, current order 3. Orders lie in the first
 * word, consumers behind them or, with several words, in the last one.
 */
#include <stdint.h>

#ifndef ORDERS
#define ORDERS 3
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef REDELIVERIES
#define REDELIVERIES 2
#endif
#ifndef QC_WORDS
#define QC_WORDS 1
#endif
#ifndef FAIL_AT_CREATED /* creating an order for this many times is a model error */
#define FAIL_AT_CREATED 8
#endif

enum { SUBMIT, DELIVER, READ, CREATE, RECORD, ACK, CRASH };
#define QC_STEP_NAMES 7
#define QC_HAS_STATE_CHECK 1
#ifndef QC_HAS_STEP_CHECK
#define QC_HAS_STEP_CHECK 0
#endif
/* Properties: 0 acked implies created, 1 created at most once, 2 reachable: all acked, 3 an order in flight
 * is not made visible again, 4 no deadlock (here: nothing ever comes to rest), 5 acked orders stay acked. */
#define QC_STATE_PROPERTIES 0x07
#define QC_STEP_PROPERTIES 0x28
#define QC_QUIESCENT_PROPERTIES 0x10
#include "qc_model.h"

enum { NEW, VISIBLE, IN_FLIGHT, ACKED };
enum { IDLE, AT_READ, AT_CREATE, AT_RECORD, AT_ACK };
#define LAST (QC_WORDS - 1)
#define CONSUMER_AT(c) ((QC_WORDS == 1 ? 8 * ORDERS : 0) + 6 * (c))
#define STATUS_MASK ((uint64_t)3)
#define CREATED_ONE ((uint64_t)16)
#define DEDUP ((uint64_t)128)

static inline uint64_t order_of(const uint64_t *s, int i)
{
    return s[0] >> (8 * i) & 255;
}

static inline uint64_t consumer_of(const uint64_t *s, int c)
{
    return s[LAST] >> CONSUMER_AT(c) & 63;
}

static inline void go(qc_sink *sink, uint32_t step, const uint64_t *s, int i, uint64_t order, int c,
                      uint64_t consumer)
{
    uint64_t next[QC_WORDS];
    for (int w = 0; w < QC_WORDS; w++)
        next[w] = s[w];
    next[0] = (next[0] & ~((uint64_t)255 << (8 * i))) | order << (8 * i);
    next[LAST] = (next[LAST] & ~((uint64_t)63 << CONSUMER_AT(c))) | consumer << CONSUMER_AT(c);
    qc_emit(sink, step, next);
}

static void qc_initial(qc_sink *sink)
{
    uint64_t s[QC_WORDS] = {0};
    qc_emit(sink, 0, s);
}

static bool qc_expand(const uint64_t *state, qc_sink *sink)
{
    uint64_t s[QC_WORDS];
    bool quiescent = true;
    for (int w = 0; w < QC_WORDS; w++)
        s[w] = state[w];
    for (int i = 0; i < ORDERS; i++) {
        uint64_t order = order_of(s, i);
        if ((order & STATUS_MASK) == NEW) {
            quiescent = false;
            go(sink, SUBMIT, s, i, order | VISIBLE, 0, consumer_of(s, 0));
        }
    }
    for (int c = 0; c < CONSUMERS; c++) {
        uint64_t consumer = consumer_of(s, c), pc = consumer & 7;
        if (pc == IDLE) {
            for (int i = 0; i < ORDERS; i++) {
                uint64_t order = order_of(s, i);
                if ((order & STATUS_MASK) == VISIBLE) {
                    quiescent = false;
                    go(sink, DELIVER, s, i, (order & ~STATUS_MASK) | IN_FLIGHT, c, AT_READ | (uint64_t)i << 3);
                }
            }
            continue;
        }
        int i = (int)(consumer >> 3);
        uint64_t order = order_of(s, i), current = consumer & ~(uint64_t)7;
        quiescent = false;
        if (pc == AT_READ)
            go(sink, READ, s, i, order, c, current | (order & DEDUP ? AT_ACK : AT_CREATE));
        else if (pc == AT_CREATE && (order >> 4 & 7) + 1 >= FAIL_AT_CREATED)
            qc_fail(sink, CREATE, 7);
        else if (pc == AT_CREATE)
            go(sink, CREATE, s, i, order + CREATED_ONE, c, current | AT_RECORD);
        else if (pc == AT_RECORD)
            go(sink, RECORD, s, i, order | DEDUP, c, current | AT_ACK);
        else
            go(sink, ACK, s, i, order | ACKED, c, IDLE);
        if ((order >> 2 & 3) < REDELIVERIES)
            go(sink, CRASH, s, i, ((order & ~STATUS_MASK) | VISIBLE) + 4, c, IDLE);
    }
    return quiescent;
}

static uint64_t qc_check_state(const uint64_t *s, uint32_t *error)
{
    uint64_t hits = 0;
    bool all_acked = true;
    (void)error;
    for (int i = 0; i < ORDERS; i++) {
        uint64_t order = order_of(s, i);
        bool acked = (order & STATUS_MASK) == ACKED;
        if (acked && (order >> 4 & 7) == 0)
            hits |= 1;
        if ((order >> 4 & 7) > 1)
            hits |= 2;
        all_acked = all_acked && acked;
    }
    return all_acked ? hits | 4 : hits;
}

#if QC_HAS_STEP_CHECK
static uint64_t qc_check_step(const uint64_t *before, const uint64_t *after, uint32_t *error)
{
    uint64_t hits = 0;
    (void)error;
    for (int i = 0; i < ORDERS; i++) {
        uint64_t old = order_of(before, i) & STATUS_MASK, new = order_of(after, i) & STATUS_MASK;
        if (old == IN_FLIGHT && new == VISIBLE)
            hits |= 1 << 3;
        if (old == ACKED && new != ACKED)
            hits |= 1 << 5;
    }
    return hits;
}
#endif

static uint64_t qc_check_quiescent(const uint64_t *s, uint32_t *error)
{
    (void)s, (void)error;
    return 1 << 4;
}

#include "qc_main.c"

/* Two-phase commit with a shared set of messages, after the TLA+ examples' TwoPhase; MANAGERS participants.
 *
 * One word: the participants' states, two bits each; who has been heard to be prepared; who has sent
 * "prepared"; the coordinator's state; whether "commit" and "abort" have been sent.
 */
#include <stdint.h>

#ifndef MANAGERS
#define MANAGERS 7
#endif

enum { PREPARE, CHOOSE_ABORT, RECEIVE_COMMIT, RECEIVE_ABORT, RECEIVE_PREPARED, COMMIT, ABORT };
#define QC_WORDS 1
#define QC_STEP_NAMES 7
#define QC_HAS_STATE_CHECK 1
#define QC_HAS_STEP_CHECK 0
/* Properties: 0 never one committed and another aborted, 1 reachable: all committed. */
#define QC_STATE_PROPERTIES 0x03
#define QC_QUIESCENT_PROPERTIES 0x00
#include "qc_model.h"

enum { WORKING, PREPARED, COMMITTED, ABORTED };
#define ONES (((uint64_t)1 << MANAGERS) - 1)
#define HEARD_AT (2 * MANAGERS)
#define SENT_AT (3 * MANAGERS)
#define COORDINATOR_AT (4 * MANAGERS)
#define COMMIT_SENT ((uint64_t)1 << (4 * MANAGERS + 2))
#define ABORT_SENT ((uint64_t)1 << (4 * MANAGERS + 3))

static inline uint64_t with_manager(uint64_t s, int i, uint64_t value)
{
    return (s & ~((uint64_t)3 << (2 * i))) | value << (2 * i);
}

static inline void go(qc_sink *sink, uint32_t step, uint64_t next)
{
    qc_emit(sink, step, &next);
}

static void qc_initial(qc_sink *sink)
{
    go(sink, 0, 0);
}

static bool qc_expand(const uint64_t *state, qc_sink *sink)
{
    uint64_t s = *state, coordinator = s >> COORDINATOR_AT & 3;
    bool quiescent = true;
    for (int i = 0; i < MANAGERS; i++) {
        if ((s >> (2 * i) & 3) == WORKING) {
            quiescent = false;
            go(sink, PREPARE, with_manager(s, i, PREPARED) | (uint64_t)1 << (SENT_AT + i));
            go(sink, CHOOSE_ABORT, with_manager(s, i, ABORTED));
        }
        if (s & COMMIT_SENT) {
            quiescent = false;
            go(sink, RECEIVE_COMMIT, with_manager(s, i, COMMITTED));
        }
        if (s & ABORT_SENT) {
            quiescent = false;
            go(sink, RECEIVE_ABORT, with_manager(s, i, ABORTED));
        }
        if (coordinator == 0 && (s >> (SENT_AT + i) & 1)) {
            quiescent = false;
            go(sink, RECEIVE_PREPARED, s | (uint64_t)1 << (HEARD_AT + i));
        }
    }
    if (coordinator == 0) {
        quiescent = false;
        if ((s >> HEARD_AT & ONES) == ONES)
            go(sink, COMMIT, s | (uint64_t)1 << COORDINATOR_AT | COMMIT_SENT);
        go(sink, ABORT, s | (uint64_t)2 << COORDINATOR_AT | ABORT_SENT);
    }
    return quiescent;
}

static uint64_t qc_check_state(const uint64_t *s, uint32_t *error)
{
    bool committed = false, aborted = false, all = true;
    (void)error;
    for (int i = 0; i < MANAGERS; i++) {
        uint64_t manager = *s >> (2 * i) & 3;
        committed = committed || manager == COMMITTED;
        aborted = aborted || manager == ABORTED;
        all = all && manager == COMMITTED;
    }
    return (committed && aborted ? 1 : 0) | (all ? 2 : 0);
}

static uint64_t qc_check_quiescent(const uint64_t *s, uint32_t *error)
{
    (void)s, (void)error;
    return 0;
}

#include "qc_main.c"

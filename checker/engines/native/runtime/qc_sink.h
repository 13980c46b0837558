/* The sink: where a model's steps put the states that they lead to.
 *
 * States that were not emitted just before (qc_recent.h) are collected in batches, and a batch is dealt with
 * in stages, so that the cache misses of many states overlap: when emitted, a state is hashed and its bucket
 * prefetched; when the next batch is full, the bucket is read and the states it points to prefetched; when
 * the one after is full, states are compared and inserted. Expanding goes on meanwhile. What happens to a
 * full batch is the mode's: `flush`.
 */
#ifndef QC_SINK_H
#define QC_SINK_H

#define QC_BATCH (QC_WORDS <= 8 ? 64 : 32)
#define QC_BATCHES 3 /* one for each stage */

typedef struct {
    uint32_t count;
    uint32_t steps[QC_BATCH];
    uint32_t candidates[QC_BATCH]; /* index + 1 of a stored state that may be the same, or 0 */
    uint64_t hashes[QC_BATCH];
#if QC_SYMMETRY
    uint64_t orbits[QC_BATCH]; /* sizes; 0: not known */
#endif
    uint64_t states[QC_BATCH][QC_WORDS];
} qc_batch;

struct qc_sink {
    qc_batch *batch; /* the one being filled */
    qc_table table;  /* the bounds of the table, for prefetching */
    qc_recent *recent; /* NULL in modes that need every emitted state */
    void (*flush)(qc_sink *sink);
    const uint64_t *parent; /* the state being expanded; NULL for initial states */
    uint64_t active;        /* properties to evaluate */
    uint32_t depth;         /* of the parent */
    bool quiet;             /* a repeated expansion: model errors have been dealt with */
    bool judges_steps;      /* every emitted step is checked, new or not */
    bool raw;               /* emitted states are wanted as they are, not the representatives of their orbits */
    bool orbits_unknown;    /* the size of the orbit of some new state is not known */
    uint64_t represented;   /* the sizes of the orbits of new states, added */
    uint64_t coverage[QC_STEP_NAMES];
    qc_findings found;
    qc_batch batches[QC_BATCHES];
};

#if QC_PASS_ACTIVE
#define QC_ACTIVE_ARGUMENT(mask) mask,
#else
#define QC_ACTIVE_ARGUMENT(mask)
#endif

/* Properties of a new state at `depth`. */
QC_INLINE void qc_judge_state(qc_findings *found, uint64_t active, uint32_t depth, const uint64_t *state)
{
    if (!QC_HAS_STATE_CHECK || (active & QC_STATE_PROPERTIES) == 0)
        return;
    uint32_t error = 0;
    uint64_t hits = qc_check_state(state, QC_ACTIVE_ARGUMENT(active) &error) & active;
    if (QC_UNLIKELY((hits | error) != 0))
        qc_record(found, hits, error, QC_FROM_STATE, depth, state, state);
}

/* Properties of the step from `before`, at `depth` - 1, to `after`. */
QC_INLINE void qc_judge_step(qc_findings *found, uint64_t active, uint32_t depth, const uint64_t *before,
                             const uint64_t *after)
{
#if QC_HAS_STEP_CHECK
    if ((active & QC_STEP_PROPERTIES) == 0)
        return;
    uint32_t error = 0;
    uint64_t hits = qc_check_step(before, after, QC_ACTIVE_ARGUMENT(active) &error) & active;
    if (QC_UNLIKELY((hits | error) != 0))
        qc_record(found, hits, error, QC_FROM_STEP_CHECK, depth, after, before);
#else
    (void)found, (void)active, (void)depth, (void)before, (void)after;
#endif
}

/* Properties of a quiescent state at `depth`. */
QC_INLINE void qc_judge_quiescent(qc_findings *found, uint64_t active, uint32_t depth, const uint64_t *state)
{
    if ((active & QC_QUIESCENT_PROPERTIES) == 0)
        return;
    uint32_t error = 0;
    uint64_t hits = qc_check_quiescent(state, QC_ACTIVE_ARGUMENT(active) &error) & active;
    if (QC_UNLIKELY((hits | error) != 0))
        qc_record(found, hits, error, QC_FROM_QUIESCENT, depth, state, state);
}

/* Counts the states that a new state stands for. */
QC_INLINE void qc_count_orbit(qc_sink *sink, uint64_t orbit)
{
    sink->represented += orbit;
    sink->orbits_unknown |= orbit == 0;
}

/* A step `step` from the state being expanded to `next`, which is copied. */
static inline __attribute__((unused)) void qc_emit(qc_sink *sink, uint32_t step, const uint64_t *next)
{
    qc_batch *batch = sink->batch;
    uint32_t at = batch->count;
    uint64_t hash = qc_hash(next);
    sink->coverage[step]++;
    if (QC_HAS_STEP_CHECK && sink->judges_steps)
        qc_judge_step(&sink->found, sink->active, sink->depth + 1, sink->parent, next);
    if (sink->recent != NULL && qc_is_recent(sink->recent, next, hash))
        return;
#if QC_SYMMETRY
    uint64_t representative[QC_WORDS];
    if (!sink->raw) {
        batch->orbits[at] = qc_represent(representative, next);
        if (!qc_equal(representative, next)) {
            next = representative;
            hash = qc_hash(next);
            if (sink->recent != NULL && qc_is_recent(sink->recent, next, hash))
                return;
        }
    }
#endif
    __builtin_prefetch(qc_bucket(&sink->table, qc_home(&sink->table, hash)), 1);
    qc_copy(batch->states[at], next);
    batch->hashes[at] = hash;
    batch->steps[at] = step;
    batch->count = at + 1;
    if (QC_UNLIKELY(at + 1 == QC_BATCH))
        sink->flush(sink);
}

/* A step that ran into model error `error`, which is not 0. */
static QC_COLD __attribute__((unused)) void qc_fail(qc_sink *sink, uint32_t step, uint32_t error)
{
    static const uint64_t nothing[QC_WORDS];
    if (sink->quiet)
        return;
    if (sink->parent == NULL)
        qc_find_error(&sink->found, (qc_error){error, QC_FROM_INITIAL, 0, step}, nothing);
    else
        qc_find_error(&sink->found, (qc_error){error, QC_FROM_STEP, sink->depth, step}, sink->parent);
}

#endif

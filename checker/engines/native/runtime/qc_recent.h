/* States emitted lately, by hash: a small filter before the table, one for each worker.
 *
 * Steps that commute lead to the same state from neighbouring parents, so that most duplicates are of states
 * emitted a short while ago: on the benchmark protocols the filter answers for two thirds of them or more,
 * from the processor's own cache. It holds whole states, hence is exact. A state in it has been inserted or
 * will be before the round ends.
 */
#ifndef QC_RECENT_H
#define QC_RECENT_H

#define QC_RECENT_BYTES (128u << 10)
#define QC_RECENT_LINES (QC_RECENT_BYTES / 8 / (QC_WORDS <= 1    ? 1 \
                                                : QC_WORDS <= 2  ? 2 \
                                                : QC_WORDS <= 4  ? 4 \
                                                : QC_WORDS <= 8  ? 8 \
                                                : QC_WORDS <= 16 ? 16 \
                                                : QC_WORDS <= 32 ? 32 \
                                                                 : 64))

typedef struct {
    uint64_t states[QC_RECENT_LINES][QC_WORDS];
} qc_recent;

/* Whether the state was emitted lately; if not, it has been now. */
QC_INLINE bool qc_is_recent(qc_recent *recent, const uint64_t *state, uint64_t hash)
{
    uint64_t *line = recent->states[hash % QC_RECENT_LINES];
    if (qc_equal(line, state))
        return true;
    qc_copy(line, state);
    return false;
}

/* Empties the filter: every line gets a state that belongs to another one. */
static inline void qc_forget(qc_recent *recent)
{
    uint64_t filler[QC_WORDS];
    memset(recent, 0xff, sizeof *recent);
    memset(filler, 0xff, sizeof filler);
    uint64_t own = qc_hash(filler) % QC_RECENT_LINES;
    for (filler[0] = 0; qc_hash(filler) % QC_RECENT_LINES == own; filler[0]++)
        ;
    qc_copy(recent->states[own], filler);
}

#endif

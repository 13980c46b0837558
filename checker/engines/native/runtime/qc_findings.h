/* What a search found out about properties: hits and the model error, each with its smallest witness.
 *
 * Every worker collects its own findings during a level; merged, they do not depend on which worker saw
 * what, nor when: among witnesses of one level the smallest wins.
 */
#ifndef QC_FINDINGS_H
#define QC_FINDINGS_H

typedef struct {
    uint64_t hits; /* mask of properties; the arrays are valid where the bit is set */
    uint32_t depths[64];
    uint32_t origins[64];
    uint64_t states[64][QC_WORDS];
    uint64_t befores[64][QC_WORDS];
    qc_error error;
    uint64_t error_state[QC_WORDS];
} qc_findings;

/* Takes a witness of one property when it is the first or a smaller one. */
static inline void qc_find(qc_findings *findings, int property, uint32_t origin, uint32_t depth,
                           const uint64_t *state, const uint64_t *before)
{
    if (findings->hits >> property & 1) {
        int order = qc_order(state, findings->states[property]);
        if (order == 0)
            order = qc_order(before, findings->befores[property]);
        if (order >= 0)
            return;
    }
    findings->hits |= (uint64_t)1 << property;
    findings->depths[property] = depth;
    findings->origins[property] = origin;
    qc_copy(findings->states[property], state);
    qc_copy(findings->befores[property], before);
}

/* Takes a model error when it is the first or the smaller by depth, state, id, origin, step. */
static inline void qc_find_error(qc_findings *findings, qc_error error, const uint64_t *state)
{
    const qc_error *known = &findings->error;
    if (known->id != 0) {
        int order = (error.depth > known->depth) - (error.depth < known->depth);
        if (order == 0)
            order = qc_order(state, findings->error_state);
        if (order == 0)
            order = (error.id > known->id) - (error.id < known->id);
        if (order == 0)
            order = (error.origin > known->origin) - (error.origin < known->origin);
        if (order == 0)
            order = (error.step > known->step) - (error.step < known->step);
        if (order >= 0)
            return;
    }
    findings->error = error;
    qc_copy(findings->error_state, state);
}

/* Records the outcome of one check: each property in `hits`, and a model error if there was one. */
static QC_COLD void qc_record(qc_findings *findings, uint64_t hits, uint32_t error, uint32_t origin,
                              uint32_t depth, const uint64_t *state, const uint64_t *before)
{
    for (; hits != 0; hits &= hits - 1)
        qc_find(findings, __builtin_ctzll(hits), origin, depth, state, before);
    if (error == 0)
        return;
    bool step = origin == QC_FROM_STEP_CHECK;
    qc_find_error(findings, (qc_error){error, origin, step ? depth - 1 : depth, 0}, step ? before : state);
}

static inline void qc_merge(qc_findings *into, const qc_findings *from)
{
    for (uint64_t hits = from->hits; hits != 0; hits &= hits - 1) {
        int property = __builtin_ctzll(hits);
        qc_find(into, property, from->origins[property], from->depths[property], from->states[property],
                from->befores[property]);
    }
    if (from->error.id != 0)
        qc_find_error(into, from->error, from->error_state);
}

#endif

/* Inserting batches of emitted states.
 *
 * Written once for both one worker and several: `shared` is a constant wherever these are inlined, so one
 * worker alone pays for no atomic operation.
 */

static uint64_t qc_indices_used(const qc_worker *worker, const bool shared)
{
    return shared ? atomic_load_explicit(&worker->search->reserved, memory_order_relaxed) : worker->next;
}

/* Stores a state unless an equal one is stored; where, or NULL when it is known. */
QC_INLINE const uint64_t *qc_insert(qc_worker *worker, const uint64_t *state, uint64_t hash, const bool shared)
{
    qc_search *search = worker->search;
    const qc_table *table = &worker->sink.table;
    uint64_t number = qc_home(table, hash);
    for (;;) {
        uint32_t *bucket = qc_bucket(table, number);
        qc_glance glance = qc_look(bucket, (uint32_t)hash, table->tag_mask);
        for (uint32_t matches = glance.matches; matches != 0; matches &= matches - 1) {
            uint32_t slot = __atomic_load_n(bucket + __builtin_ctz(matches), __ATOMIC_RELAXED);
            if (qc_equal(qc_stored(search, qc_slot_index(table, slot)), state))
                return NULL;
        }
        if (glance.empty == 0) {
            number = qc_next(table, number);
            continue;
        }
        if (shared && worker->next == worker->end) {
            worker->next = atomic_fetch_add_explicit(&search->reserved, QC_BLOCK, memory_order_relaxed);
            worker->end = worker->next + QC_BLOCK;
        }
        uint64_t *kept = qc_stored(search, worker->next);
        qc_copy(kept, state);
        if (qc_claim(bucket, glance, qc_slot_value(table, hash, (uint32_t)worker->next), shared)) {
            worker->next++;
            return kept;
        }
        /* Another worker took the slot, perhaps for this very state: look again. */
    }
}

/* Second stage: which stored state may equal each emitted one? Asks for those. */
QC_INLINE void qc_seek_candidates(qc_worker *worker, qc_batch *batch)
{
    const qc_table *table = &worker->sink.table;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint64_t hash = batch->hashes[i], number = qc_home(table, hash);
        const uint32_t *bucket = qc_bucket(table, number);
        qc_glance glance = qc_look(bucket, (uint32_t)hash, table->tag_mask);
        batch->candidates[i] = 0;
        for (uint32_t matches = glance.matches; matches != 0; matches &= matches - 1) {
            uint32_t slot = __atomic_load_n(bucket + __builtin_ctz(matches), __ATOMIC_RELAXED);
            uint32_t index = qc_slot_index(table, slot);
            if (batch->candidates[i] == 0)
                batch->candidates[i] = index + 1;
            qc_prefetch_state(qc_stored(worker->search, index));
        }
        if (glance.empty == 0)
            __builtin_prefetch(qc_bucket(table, qc_next(table, number)), 1);
    }
}

/* Third stage: inserts the states that are new, and checks their properties. */
QC_INLINE void qc_settle(qc_worker *worker, qc_batch *batch, const bool shared)
{
    qc_sink *sink = &worker->sink;
    for (uint32_t i = 0; i < batch->count; i++) {
        const uint64_t *state = batch->states[i];
        uint32_t candidate = batch->candidates[i];
        if (candidate != 0 && qc_equal(qc_stored(worker->search, candidate - 1), state))
            continue;
        const uint64_t *kept = qc_insert(worker, state, batch->hashes[i], shared);
        if (kept == NULL)
            continue;
#if QC_SYMMETRY
        qc_count_orbit(sink, batch->orbits[i]);
#endif
        qc_judge_state(&sink->found, sink->active, sink->depth + 1, kept);
    }
    batch->count = 0;
}

/* Keeps a batch for after the round: the table is too full, and cannot grow while others use it. */
static QC_COLD void qc_spill(qc_worker *worker, qc_batch *batch)
{
    if (worker->spilled_count + batch->count > worker->spilled_room) {
        uint64_t room = 2 * worker->spilled_room + QC_BATCH;
        uint64_t *larger = realloc(worker->spilled, room * QC_STATE_BYTES);
        if (larger == NULL) {
            qc_stop_for(worker->search, QC_STOPPED_MEMORY);
            batch->count = 0;
            return;
        }
        worker->spilled = larger;
        worker->spilled_room = room;
    }
    memcpy(worker->spilled + worker->spilled_count * QC_WORDS, batch->states, batch->count * QC_STATE_BYTES);
    worker->spilled_count += batch->count;
    batch->count = 0;
}

/* A batch is full: move each of the earlier ones a stage on, and reuse the one that is settled. */
QC_INLINE void qc_flush(qc_worker *worker, const bool shared)
{
    qc_sink *sink = &worker->sink;
    ptrdiff_t full = sink->batch - sink->batches;
    qc_batch *last = &sink->batches[(full + 2) % QC_BATCHES], *oldest = &sink->batches[(full + 1) % QC_BATCHES];
    if (QC_LIKELY(qc_indices_used(worker, shared) <= worker->search->insert_max))
        qc_settle(worker, oldest, shared);
    else if (oldest->count != 0)
        qc_spill(worker, oldest);
    qc_seek_candidates(worker, last);
    sink->batch = oldest;
}

static void qc_flush_alone(qc_sink *sink)
{
    qc_flush(qc_worker_of(sink), false);
}

static void qc_flush_shared(qc_sink *sink)
{
    qc_flush(qc_worker_of(sink), true);
}

/* Settles all that is on its way. */
static void qc_drain(qc_worker *worker)
{
    for (int i = 0; i < QC_BATCHES; i++)
        worker->sink.flush(&worker->sink);
}

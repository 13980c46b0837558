/* Between rounds: closing gaps among the indices, and growing the table.
 *
 * The table is not copied: it is dropped and filled again from the states, which lie in order, so that there
 * are never two tables in memory, and its pages are kept: a first touch costs more than clearing. Small
 * tables grow fourfold; those beyond 64 MiB by 0.3, which keeps the load between 0.69 and 0.9, hence slots at
 * 4.4 to 5.8 bytes a state, and costs about three insertions without a compare for each state in the end.
 */

#define QC_SLOTS_MIN ((uint64_t)1 << 16)
#define QC_SLOTS_LARGE ((uint64_t)1 << 24)
#define QC_REFILL_AHEAD 32u

/* Load limits: at the first the table grows, at the second states are spilled until it has. */
static uint64_t qc_slots_full(uint64_t slots)
{
    return slots / 10 * 9;
}

static uint64_t qc_slots_crammed(uint64_t slots)
{
    return slots / 32 * 31;
}

/* States that memory has room for beside the table. */
static uint64_t qc_states_by_memory(const qc_search *search)
{
    uint64_t other = qc_bytes_in_use(search, 0);
    uint64_t room = other < search->memory_bytes_max ? (search->memory_bytes_max - other) / QC_STATE_BYTES : 0;
    uint64_t slack = (uint64_t)(search->threads + 1) * (QC_BLOCK + 2 * QC_BATCH);
    return room < search->states_room - slack ? room : search->states_room - slack;
}

static uint64_t qc_smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void qc_set_bounds(qc_search *search)
{
    uint64_t slots = search->table.buckets * QC_BUCKET_SLOTS, by_memory = qc_states_by_memory(search);
    uint64_t asked = search->config.states_max != 0 ? search->config.states_max : UINT64_MAX;
    search->round_max = qc_smaller(qc_slots_full(slots), qc_smaller(by_memory, asked));
    search->insert_max = qc_smaller(qc_slots_crammed(slots), by_memory);
    for (uint32_t i = 0; i < search->threads; i++)
        search->workers[i]->sink.table = search->table;
    qc_show(&search->progress.table_slots, slots);
}

/* Puts a state into the new table without a compare: it cannot be there already. */
QC_INLINE void qc_place(const qc_table *table, uint64_t hash, uint64_t index, const bool shared)
{
    uint64_t number = qc_home(table, hash);
    uint32_t value = qc_slot_value(table, hash, (uint32_t)index);
    for (;;) {
        uint32_t *bucket = qc_bucket(table, number);
        qc_glance glance = qc_look(bucket, 0, 0);
        if (glance.empty == 0)
            number = qc_next(table, number);
        else if (qc_claim(bucket, glance, value, shared))
            return;
    }
}

/* Writes the indices of a chunk of states into the new table, asking for buckets well ahead. */
QC_INLINE void qc_refill(const qc_search *search, uint64_t begin, uint64_t end, const bool shared)
{
    const qc_table table = search->table;
    uint64_t hashes[QC_REFILL_AHEAD];
    for (uint64_t i = begin; i < end + QC_REFILL_AHEAD; i++) {
        uint64_t *hash = &hashes[i % QC_REFILL_AHEAD];
        if (i >= begin + QC_REFILL_AHEAD)
            qc_place(&table, *hash, i - QC_REFILL_AHEAD, shared);
        if (i < end) {
            *hash = qc_hash(qc_stored(search, i));
            __builtin_prefetch(qc_bucket(&table, qc_home(&table, *hash)), 1);
        }
    }
}

static void qc_refill_job(qc_worker *worker)
{
    qc_search *search = worker->search;
    const uint64_t chunk = 8192;
    for (;;) { /* not qc_next_chunk: a table must be complete even when the search is to stop */
        uint64_t begin = atomic_fetch_add_explicit(&search->cursor, chunk, memory_order_relaxed);
        if (begin >= search->count)
            return;
        uint64_t end = qc_smaller(begin + chunk, search->count);
        if (search->shared)
            qc_refill(search, begin, end, true);
        else
            qc_refill(search, begin, end, false);
    }
}

/* Replaces the table, if any, by one with at least `slots` slots; without success there is none. */
static bool qc_rebuild_table(qc_search *search, uint64_t slots)
{
    qc_table *table = &search->table;
    uint64_t buckets = (slots + QC_BUCKET_SLOTS - 1) / QC_BUCKET_SLOTS;
    uint64_t bytes = buckets * QC_BUCKET_SLOTS * sizeof(uint32_t);
    void *memory = qc_remap_cleared(table->slots, qc_table_bytes(table), bytes);
    *table = (qc_table){.slots = memory};
    if (table->slots == NULL)
        return false;
    table->buckets = buckets;
    /* Indices may run ahead of the states by what the workers have reserved. */
    uint64_t highest = buckets * QC_BUCKET_SLOTS + (uint64_t)(search->threads + 1) * (QC_BLOCK + 2 * QC_BATCH);
    int index_bits = highest >= UINT32_MAX ? 32 : 64 - __builtin_clzll(highest);
    table->tag_mask = index_bits == 32 ? 0 : UINT32_MAX << index_bits;

    uint64_t cursor = atomic_load(&search->cursor);
    bool shared = search->shared;
    search->shared = search->threads > 1 && search->count > 65536;
    atomic_store(&search->cursor, 0);
    qc_run_job(search, qc_refill_job, search->shared);
    search->shared = shared;
    atomic_store(&search->cursor, cursor);
    return true;
}

/* Grows the table to hold `states` states without being full; false, and a reason to stop, without memory. */
static bool qc_grow(qc_search *search, uint64_t states)
{
    uint64_t slots = search->table.buckets * QC_BUCKET_SLOTS, least = slots + slots / 16;
    while (qc_slots_full(slots) <= states)
        slots = slots < QC_SLOTS_LARGE ? 4 * slots : slots / 10 * 13;
    uint64_t others = search->fixed_bytes + states * QC_STATE_BYTES;
    uint64_t affordable = others < search->memory_bytes_max
                              ? (search->memory_bytes_max - others) / sizeof(uint32_t) / 16 * 16
                              : 0;
    slots = qc_smaller(slots, affordable);
    if (slots < least || qc_slots_full(slots) <= states || !qc_rebuild_table(search, slots)) {
        qc_stop_for(search, QC_STOPPED_MEMORY);
        return false;
    }
    qc_set_bounds(search);
    return true;
}

/* The slot that holds `index` now holds `other`: the state has moved. */
static void qc_redirect(qc_search *search, uint64_t index, uint64_t other)
{
    const qc_table *table = &search->table;
    uint64_t hash = qc_hash(qc_stored(search, index)), number = qc_home(table, hash);
    uint32_t value = qc_slot_value(table, hash, (uint32_t)index);
    for (;; number = qc_next(table, number)) {
        uint32_t *bucket = qc_bucket(table, number);
        for (uint32_t i = 0; i < QC_BUCKET_SLOTS; i++) {
            if (bucket[i] != value)
                continue;
            bucket[i] = qc_slot_value(table, hash, (uint32_t)other);
            return;
        }
    }
}

/* Moves the last states into the gaps that workers left in their blocks, so that indices are contiguous. */
static void qc_close_gaps(qc_search *search)
{
    uint64_t top = atomic_load(&search->reserved), gaps = 0;
    for (uint32_t i = 0; i < search->threads; i++)
        gaps += search->workers[i]->end - search->workers[i]->next;
    uint64_t count = top - gaps, from = top;
    for (uint32_t i = 0; i < search->threads; i++) {
        qc_worker *worker = search->workers[i];
        for (uint64_t gap = worker->next; gap < worker->end && gap < count; gap++) {
            from--;
            for (uint32_t j = 0; j < search->threads; j++) {
                const qc_worker *other = search->workers[j];
                if (other->next <= from && from < other->end) {
                    from = other->next - 1;
                    j = UINT32_MAX; /* blocks may touch: look at all again */
                }
            }
            qc_redirect(search, from, gap);
            qc_copy(qc_stored(search, gap), qc_stored(search, from));
        }
    }
    for (uint32_t i = 0; i < search->threads; i++)
        search->workers[i]->next = search->workers[i]->end = 0;
    search->count = count;
    atomic_store(&search->reserved, count);
}

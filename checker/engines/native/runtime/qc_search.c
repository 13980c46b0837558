/* Breadth-first search, level by level.
 *
 * The order within a level depends on the number of threads, but nothing that is reported does: counts are
 * sums over a level, witnesses are the smallest of a level, and a search ends only after a level, unless a
 * limit or the caller ends it earlier.
 */

/* Adds to the progress display what coverage has counted since the last time. */
static void qc_show_transitions(qc_worker *worker)
{
    uint64_t transitions = 0;
    for (int step = 0; step < QC_STEP_NAMES; step++)
        transitions += worker->sink.coverage[step];
    qc_show_more(&worker->search->progress.transitions, transitions - worker->shown);
    worker->shown = transitions;
}

/* Job: expands chunks of the level until it is done, the table is full, or the search is to stop. */
QC_INLINE void qc_expand_chunks(qc_worker *worker, const bool shared)
{
    qc_search *search = worker->search;
    qc_sink *sink = &worker->sink;
    uint64_t begin, end;
    sink->flush = shared ? qc_flush_shared : qc_flush_alone;
    sink->recent = &worker->recent;
    while (qc_indices_used(worker, shared) < search->round_max && qc_next_chunk(search, &begin, &end)) {
        for (uint64_t i = begin; i < end; i++) {
            sink->parent = qc_stored(search, i);
            if (qc_expand(sink->parent, sink))
                qc_judge_quiescent(&sink->found, sink->active, sink->depth, sink->parent);
        }
        qc_show_transitions(worker);
        qc_show_more(&search->progress.frontier_done, end - begin);
        qc_show(&search->progress.states, qc_indices_used(worker, shared));
        if (search->config.time_s_max > 0 && qc_seconds_since(&search->begun) > search->config.time_s_max)
            qc_stop_for(search, QC_STOPPED_TIME);
    }
    qc_drain(worker);
}

static void qc_expand_job(qc_worker *worker)
{
    if (worker->search->shared)
        qc_expand_chunks(worker, true);
    else
        qc_expand_chunks(worker, false);
}

static void qc_initial_job(qc_worker *worker)
{
    worker->sink.flush = qc_flush_alone;
    worker->sink.parent = NULL;
    qc_initial(&worker->sink);
    qc_drain(worker);
}

/* Job: looks only at whether states are quiescent; for a level that the depth limit leaves unexpanded. */
static void qc_discard(qc_sink *sink)
{
    sink->batch->count = 0;
}

static void qc_rest_job(qc_worker *worker)
{
    qc_sink *sink = &worker->sink;
    uint64_t begin, end;
    sink->flush = qc_discard;
    sink->recent = NULL;
    while (qc_next_chunk(worker->search, &begin, &end)) {
        for (uint64_t i = begin; i < end; i++) {
            sink->parent = qc_stored(worker->search, i);
            if (qc_expand(sink->parent, sink))
                qc_judge_quiescent(&sink->found, sink->active, sink->depth, sink->parent);
            qc_discard(sink);
        }
    }
}

/* Inserts what workers had to keep back, now that they rest, growing the table as needed. */
static void qc_insert_spilled(qc_search *search)
{
    for (uint32_t i = 0; i < search->threads; i++) {
        qc_worker *from = search->workers[i], *worker = search->workers[0];
        uint64_t spilled = from->spilled_count;
        if (spilled == 0)
            continue;
        uint64_t slots = search->table.buckets * QC_BUCKET_SLOTS, most = search->count + spilled;
        from->spilled_count = 0;
        if (most > qc_states_by_memory(search)) {
            qc_stop_for(search, QC_STOPPED_MEMORY);
            return;
        }
        if (most >= qc_slots_full(slots) && !qc_grow(search, most))
            return;
        worker->next = search->count;
        for (uint64_t j = 0; j < spilled; j++) {
            const uint64_t *state = from->spilled + j * QC_WORDS;
            const uint64_t *kept = qc_insert(worker, state, qc_hash(state), false);
            if (kept == NULL)
                continue;
#if QC_SYMMETRY
            uint64_t again[QC_WORDS];
            qc_count_orbit(&worker->sink, qc_represent(again, kept));
#endif
            qc_judge_state(&worker->sink.found, worker->sink.active, worker->sink.depth + 1, kept);
        }
        search->count = worker->next;
        atomic_store(&search->reserved, search->count);
    }
}

/* After a round: what all workers did, and whether there is room to go on. */
static void qc_end_round(qc_search *search)
{
    qc_worker *alone = search->workers[0];
    if (search->shared) {
        qc_close_gaps(search);
    } else {
        search->count = alone->next;
        atomic_store(&search->reserved, search->count);
    }
    qc_insert_spilled(search);
    uint64_t ahead = search->shared ? (uint64_t)search->threads * QC_BLOCK : 0;
    uint64_t slots = search->table.buckets * QC_BUCKET_SLOTS;
    if (search->config.states_max != 0 && search->count >= search->config.states_max)
        qc_stop_for(search, QC_STOPPED_STATES);
    else if (search->count >= qc_states_by_memory(search))
        qc_stop_for(search, QC_STOPPED_MEMORY);
    else if (!qc_stopped(search) && search->count + ahead >= qc_slots_full(slots))
        qc_grow(search, search->count + ahead);
    uint64_t bytes = qc_bytes_in_use(search, search->count);
    qc_show(&search->progress.states, search->count);
    qc_show(&search->progress.bytes, bytes);
    if (bytes > search->result.bytes_peak)
        search->result.bytes_peak = bytes;
}

static void qc_run_round(qc_search *search, qc_job *job, bool shared)
{
    search->shared = shared && search->threads > 1;
    search->workers[0]->next = search->shared ? 0 : search->count;
    qc_run_job(search, job, search->shared);
    qc_end_round(search);
}

/* Sets what workers need to know about a level, and forgets what they found in the last one. */
static void qc_begin_level(qc_search *search, uint32_t depth, bool quiet)
{
    for (uint32_t i = 0; i < search->threads; i++) {
        qc_sink *sink = &search->workers[i]->sink;
        sink->active = search->config.properties & ~search->found.hits;
        sink->depth = depth;
        sink->quiet = quiet;
        sink->judges_steps = !quiet && depth != UINT32_MAX;
        sink->found.hits = 0;
        sink->found.error.id = 0;
        sink->represented = 0;
        memset(sink->coverage, 0, sizeof sink->coverage);
        search->workers[i]->shown = 0;
    }
}

static void qc_end_level(qc_search *search, bool count_steps)
{
    for (uint32_t i = 0; i < search->threads; i++) {
        const qc_sink *sink = &search->workers[i]->sink;
        qc_merge(&search->found, &sink->found);
        search->represented += sink->represented;
        search->orbits_unknown |= sink->orbits_unknown;
        for (int step = 0; step < QC_STEP_NAMES && count_steps; step++) {
            search->coverage[step] += sink->coverage[step];
            search->result.transitions += sink->coverage[step];
        }
    }
    qc_show(&search->progress.transitions, search->result.transitions);
}

/* Adds the level whose states are those stored since the last level began, if any. */
static bool qc_add_level(qc_search *search)
{
    uint64_t begin = search->level_begins[search->levels];
    if (search->count == begin)
        return false;
    if (search->levels + 2 > search->levels_room) {
        uint32_t room = 2 * search->levels_room;
        uint64_t *begins = realloc(search->level_begins, room * sizeof *begins);
        if (begins != NULL)
            search->level_begins = begins;
        uint64_t *counts = realloc(search->level_counts, room * sizeof *counts);
        if (counts != NULL)
            search->level_counts = counts;
        if (begins == NULL || counts == NULL) {
            qc_stop_for(search, QC_STOPPED_MEMORY);
            return false;
        }
        search->levels_room = room;
    }
    search->level_counts[search->levels++] = search->count - begin;
    search->level_begins[search->levels] = search->count;
    return true;
}

/* Expands the last level, in rounds between which the table may grow. */
static void qc_expand_level(qc_search *search, uint32_t depth, qc_job *job, bool quiet)
{
    uint64_t begin = search->level_begins[depth], end = begin + search->level_counts[depth];
    qc_begin_level(search, depth, quiet);
    qc_set_range(search, begin, end);
    qc_show(&search->progress.depth, depth);
    qc_show(&search->progress.frontier, end - begin);
    qc_show(&search->progress.frontier_done, 0);
    while (atomic_load(&search->cursor) < end && !qc_stopped(search))
        qc_run_round(search, job, end - begin >= QC_PARALLEL_LEVEL_MIN);
    qc_end_level(search, !quiet);
}

static void qc_find_initial(qc_search *search)
{
    qc_begin_level(search, UINT32_MAX, false); /* one before depth 0 */
    qc_run_round(search, qc_initial_job, false);
    qc_end_level(search, false);
    qc_show(&search->progress.transitions, 0);
    qc_add_level(search);
}

static bool qc_all_hit(const qc_search *search)
{
    return search->config.stop_when_all_hit && (search->config.properties & ~search->found.hits) == 0;
}

/* Searches until a reason to stop, or until a level has no successors. */
static void qc_search_levels(qc_search *search)
{
    qc_find_initial(search);
    for (uint32_t depth = 0; depth < search->levels && !qc_stopped(search); depth++) {
        search->result.depth_complete = depth;
        if (search->found.error.id != 0)
            qc_stop_for(search, QC_STOPPED_ERROR);
        else if (qc_all_hit(search))
            qc_stop_for(search, QC_STOPPED_HITS);
        else if (depth >= search->config.depth_max) {
            qc_expand_level(search, depth, qc_rest_job, true);
            qc_stop_for(search, search->found.error.id != 0 ? QC_STOPPED_ERROR : QC_STOPPED_DEPTH);
        } else {
            qc_expand_level(search, depth, qc_expand_job, false);
            qc_add_level(search);
        }
    }
    if (search->found.error.id != 0)
        qc_stop_for(search, QC_STOPPED_ERROR);
    else
        qc_stop_for(search, QC_COMPLETE);
}

static void qc_fill_result(qc_search *search)
{
    qc_result *result = &search->result;
    result->status = (uint32_t)atomic_load(&search->stop);
    result->levels = search->levels;
    result->states = search->count;
    result->step_names = QC_STEP_NAMES;
    result->level_states = search->level_counts;
    result->coverage = search->coverage;
    result->hits = search->found.hits;
    result->hit_depths = search->found.depths;
    result->hit_origins = search->found.origins;
    result->hit_states = &search->found.states[0][0];
    result->hit_befores = &search->found.befores[0][0];
    result->error = search->found.error;
    result->error_state = search->found.error_state;
    result->represented = !QC_SYMMETRY ? search->count : search->orbits_unknown ? 0 : search->represented;
    result->seconds = qc_seconds_since(&search->begun);
}

/* Memory for the store and the table, which a simulation does without. */
static bool qc_prepare(qc_search *search)
{
    search->levels_room = 64;
    search->level_begins = calloc(search->levels_room, sizeof *search->level_begins);
    search->level_counts = calloc(search->levels_room, sizeof *search->level_counts);
    if (search->level_begins == NULL || search->level_counts == NULL || !qc_reserve_states(search))
        return false;
    uint64_t slots = (uint64_t)search->threads * 16384;
    if (!qc_rebuild_table(search, slots < QC_SLOTS_MIN ? QC_SLOTS_MIN : slots))
        return false;
    qc_set_bounds(search);
    return true;
}

int qc_run(qc_search *search)
{
    clock_gettime(CLOCK_MONOTONIC, &search->begun);
    if (search->states != NULL)
        return (int)search->result.status; /* it has run */
    if (qc_prepare(search))
        qc_search_levels(search);
    else
        qc_stop_for(search, QC_STOPPED_MEMORY);
    qc_fill_result(search);
    return (int)search->result.status;
}

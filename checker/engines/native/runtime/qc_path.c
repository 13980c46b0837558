/* Paths, rebuilt without stored parents.
 *
 * The predecessor of a state at depth d is the smallest state of level d - 1 that leads to it, found by
 * expanding that level again. So a path does not depend on the number of threads, and the search itself
 * keeps nothing for it. States that are not smaller than what has been found need no expansion, which
 * skips most of them. All targets are followed in one sweep.
 */

typedef struct {
    const uint64_t *state; /* whose predecessor is looked for */
    uint64_t hash;
    uint64_t best[QC_WORDS];
    bool found;
} qc_wanted;

typedef struct qc_seeker {
    uint32_t count;
    uint64_t filter; /* bit hash >> 58 of each wanted state: most emitted states end here */
    qc_wanted wanted[64];
} qc_seeker;

/* Flush: which of the emitted states, all from the same parent, are wanted? */
static void qc_seek(qc_sink *sink)
{
    qc_seeker *seeker = qc_worker_of(sink)->seeker;
    qc_batch *batch = sink->batch;
    for (uint32_t i = 0; i < batch->count; i++) {
        if ((seeker->filter >> (batch->hashes[i] >> 58) & 1) == 0)
            continue;
        for (uint32_t j = 0; j < seeker->count; j++) {
            qc_wanted *wanted = &seeker->wanted[j];
            if (wanted->hash != batch->hashes[i] || !qc_equal(wanted->state, batch->states[i]))
                continue;
            if (!wanted->found || qc_order(sink->parent, wanted->best) < 0)
                qc_copy(wanted->best, sink->parent);
            wanted->found = true;
        }
    }
    batch->count = 0;
}

/* Could this state be a smaller predecessor than those known, of any wanted state? */
static bool qc_may_improve(const qc_seeker *seeker, const uint64_t *state)
{
    for (uint32_t i = 0; i < seeker->count; i++)
        if (!seeker->wanted[i].found || qc_order(state, seeker->wanted[i].best) < 0)
            return true;
    return false;
}

static void qc_seek_job(qc_worker *worker)
{
    qc_sink *sink = &worker->sink;
    uint64_t begin, end;
    sink->flush = qc_seek;
    while (qc_next_chunk(worker->search, &begin, &end)) {
        for (uint64_t i = begin; i < end; i++) {
            const uint64_t *state = qc_stored(worker->search, i);
            if (!qc_may_improve(worker->seeker, state))
                continue;
            sink->parent = state;
            (void)qc_expand(state, sink);
            if (sink->batch->count != 0)
                qc_seek(sink);
        }
    }
}

/* Readies a worker for expansions whose results are looked at and dropped. */
static void qc_make_quiet(qc_worker *worker)
{
    static uint32_t nowhere[QC_BUCKET_SLOTS] __attribute__((aligned(QC_CACHE_LINE)));
    worker->sink.table = (qc_table){nowhere, 1, 0};
    worker->sink.recent = NULL;
    worker->sink.quiet = true;
    worker->sink.judges_steps = false;
    worker->sink.active = 0;
    worker->sink.batch->count = 0;
}

/* Finds, at `depth` - 1, the predecessors of the targets whose path has a state at `depth`. */
static bool qc_step_back(qc_search *search, uint32_t depth, uint32_t count, const uint32_t *depths,
                         uint64_t *const *paths)
{
    qc_seeker *first = search->workers[0]->seeker;
    first->count = 0;
    first->filter = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (depths[i] < depth)
            continue;
        qc_wanted *wanted = &first->wanted[first->count++];
        wanted->state = paths[i] + (uint64_t)depth * QC_WORDS;
        wanted->hash = qc_hash(wanted->state);
        wanted->found = false;
        first->filter |= (uint64_t)1 << (wanted->hash >> 58);
    }
    for (uint32_t i = 1; i < search->threads; i++)
        *search->workers[i]->seeker = *first;
    uint64_t begin = search->level_begins[depth - 1], states = search->level_counts[depth - 1];
    qc_set_range(search, begin, begin + states);
    qc_run_job(search, qc_seek_job, states >= QC_PARALLEL_LEVEL_MIN);
    if (qc_stopped(search))
        return false;
    for (uint32_t i = 0, j = 0; i < count; i++) {
        if (depths[i] < depth)
            continue;
        const qc_wanted *best = NULL;
        for (uint32_t k = 0; k < search->threads; k++) {
            const qc_wanted *wanted = &search->workers[k]->seeker->wanted[j];
            if (wanted->found && (best == NULL || qc_order(wanted->best, best->best) < 0))
                best = wanted;
        }
        if (best == NULL) {
            qc_stop_for(search, QC_NOT_FOUND);
            return false;
        }
        qc_copy(paths[i] + (uint64_t)(depth - 1) * QC_WORDS, best->best);
        j++;
    }
    return true;
}

int qc_paths(qc_search *search, uint32_t count, const uint64_t *const *targets, const uint32_t *depths,
             uint64_t *const *paths)
{
    uint32_t depth = 0;
    if (count > 64)
        return QC_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++) {
        if (depths[i] > search->levels)
            return QC_NOT_FOUND;
        qc_copy(paths[i] + (uint64_t)depths[i] * QC_WORDS, targets[i]);
        depth = depths[i] > depth ? depths[i] : depth;
    }
    qc_seeker *seekers = calloc(search->threads, sizeof *seekers);
    if (seekers == NULL)
        return QC_STOPPED_MEMORY;
    atomic_store(&search->stop, QC_RUNNING);
    for (uint32_t i = 0; i < search->threads; i++) {
        search->workers[i]->seeker = &seekers[i];
        qc_make_quiet(search->workers[i]);
    }
    while (depth > 0 && qc_step_back(search, depth, count, depths, paths))
        depth--;
    qc_stop_for(search, QC_COMPLETE);
    free(seekers);
    return atomic_load(&search->stop);
}

int qc_path(qc_search *search, const uint64_t *target, uint32_t depth, uint64_t *out)
{
    return qc_paths(search, 1, &target, &depth, &out);
}

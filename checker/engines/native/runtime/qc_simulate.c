/* Random walks: deep looks into models whose states are too many.
 *
 * Walk number n of a seed has its own generator, seeded from both, so a walk can be repeated without having
 * been recorded, and does not depend on which thread makes it. Walks are handed out in order; when all
 * properties have been hit, those begun are finished: so the hit of a property is the one of the lowest
 * walk, at its first step, for any number of threads. Only the numbers of walks and steps vary with that.
 */

typedef struct qc_walker {
    uint64_t random; /* state of the generator */
    uint64_t seen;   /* successors so far; one of them is in `next`, each with the same chance */
    uint64_t next[QC_WORDS];
    qc_walks walks;  /* what this worker has found */
} qc_walker;

/* What the workers of a simulation share. */
typedef struct qc_simulator {
    qc_simulation asked;
    qc_walker *walkers;
    pthread_mutex_t mutex;
    uint64_t hits;          /* properties hit by any walk; guarded by the mutex */
    _Atomic bool satisfied; /* nothing is left to look for: begin no more walks */
} qc_simulator;

/* Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t qc_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* A number below `bound`; the bias of 2^-64 * bound does not matter here. */
static uint64_t qc_random_below(qc_walker *walker, uint64_t bound)
{
    walker->random += 0x9e3779b97f4a7c15ull;
    return (uint64_t)(((unsigned __int128)qc_mix(walker->random) * bound) >> 64);
}

static void qc_seed(qc_walker *walker, uint64_t seed, uint64_t walk)
{
    walker->random = qc_mix(qc_mix(seed + 0x9e3779b97f4a7c15ull) ^ walk);
}

/* Flush: keeps one of all states emitted so far, by reservoir sampling a batch at a time. */
static void qc_choose(qc_sink *sink)
{
    qc_walker *walker = qc_worker_of(sink)->walker;
    qc_batch *batch = sink->batch;
    if (batch->count == 0)
        return;
    walker->seen += batch->count;
    uint64_t choice = qc_random_below(walker, walker->seen);
    if (choice < batch->count)
        qc_copy(walker->next, batch->states[choice]);
    batch->count = 0;
}

/* Chooses a successor of `state`, or an initial state when it is NULL; false when there is none. */
static bool qc_choose_next(qc_worker *worker, const uint64_t *state, bool *quiescent)
{
    qc_sink *sink = &worker->sink;
    worker->walker->seen = 0;
    sink->parent = state;
    sink->flush = qc_choose;
    *quiescent = false;
    if (state == NULL)
        qc_initial(sink);
    else
        *quiescent = qc_expand(state, sink);
    qc_choose(sink);
    return worker->walker->seen != 0;
}

/* Notes what this step of a walk has found: the first hit of each property in walk order. */
static void qc_note(qc_walker *walker, uint64_t walk, qc_findings *found)
{
    qc_walks *walks = &walker->walks;
    for (uint64_t hits = found->hits & ~walks->hits; hits != 0; hits &= hits - 1) {
        int property = __builtin_ctzll(hits);
        walks->hit_walks[property] = walk;
        walks->hit_depths[property] = found->depths[property];
        walks->hit_origins[property] = found->origins[property];
    }
    walks->hits |= found->hits;
    if (found->error.id != 0 && walks->error.id == 0) {
        walks->error = found->error;
        walks->error_walk = walk;
    }
    found->hits = 0;
    found->error.id = 0;
}

/* How many steps of a walk are made between two looks at the clock; a power of two. */
#define QC_STEPS_PER_LOOK 1024u

static void qc_look_at_clock(qc_search *search, const qc_simulation *asked)
{
    if (asked->time_s_max > 0 && qc_seconds_since(&search->begun) > asked->time_s_max)
        qc_stop_for(search, QC_STOPPED_TIME);
}

/* One walk: until no step is left, the depth limit, or a model error. */
static void qc_make_walk(qc_worker *worker, const qc_simulation *asked, uint64_t walk)
{
    qc_walker *walker = worker->walker;
    qc_sink *sink = &worker->sink;
    uint64_t state[QC_WORDS];
    uint32_t depth = 0;
    bool quiescent;
    qc_seed(walker, asked->seed, walk);
    sink->active = asked->properties & ~walker->walks.hits;
    sink->depth = 0;
    if (qc_choose_next(worker, NULL, &quiescent)) {
        qc_copy(state, walker->next);
        qc_judge_state(&sink->found, sink->active, 0, state);
    } else {
        depth = asked->depth_max; /* no initial state, no walk */
    }
    qc_note(walker, walk, &sink->found);
    while (depth < asked->depth_max && walker->walks.error.id == 0 && !qc_stopped(worker->search)) {
        sink->active = asked->properties & ~walker->walks.hits;
        sink->depth = depth;
        if (depth % QC_STEPS_PER_LOOK == QC_STEPS_PER_LOOK - 1)
            qc_look_at_clock(worker->search, asked);
        bool more = qc_choose_next(worker, state, &quiescent);
        if (quiescent)
            qc_judge_quiescent(&sink->found, sink->active, depth, state);
        if (more && sink->found.error.id == 0) {
            depth++;
            qc_judge_step(&sink->found, sink->active, depth, state, walker->next);
            qc_judge_state(&sink->found, sink->active, depth, walker->next);
            qc_copy(state, walker->next);
        }
        qc_note(walker, walk, &sink->found);
        if (!more)
            break;
    }
    walker->walks.walks++;
    walker->walks.steps += depth;
    if (depth > walker->walks.depth_reached)
        walker->walks.depth_reached = depth;
}

static void qc_walk_job(qc_worker *worker)
{
    qc_search *search = worker->search;
    qc_simulator *simulator = search->simulator;
    const qc_simulation *asked = &simulator->asked;
    qc_walks *walks = &worker->walker->walks;
    while (!atomic_load(&simulator->satisfied) && !qc_stopped(search)) {
        uint64_t walk = atomic_fetch_add(&search->cursor, 1), steps = walks->steps, hits = walks->hits;
        if (asked->walks_max != 0 && walk >= asked->walks_max)
            return;
        qc_make_walk(worker, asked, walk);
        qc_show_more(&search->progress.walks, 1);
        qc_show_more(&search->progress.transitions, walks->steps - steps);
        if (walks->hits != hits || walks->error.id != 0) {
            pthread_mutex_lock(&simulator->mutex);
            simulator->hits |= walks->hits;
            bool all_hit = asked->properties != 0 && (asked->properties & ~simulator->hits) == 0;
            if (all_hit || walks->error.id != 0)
                atomic_store(&simulator->satisfied, true);
            pthread_mutex_unlock(&simulator->mutex);
        }
        qc_look_at_clock(search, asked);
    }
}

/* Adds what one worker found. */
static void qc_merge_walks(qc_walks *into, const qc_walks *from)
{
    into->walks += from->walks;
    into->steps += from->steps;
    if (from->depth_reached > into->depth_reached)
        into->depth_reached = from->depth_reached;
    for (uint64_t hits = from->hits; hits != 0; hits &= hits - 1) {
        int property = __builtin_ctzll(hits);
        if (into->hits >> property & 1 && into->hit_walks[property] <= from->hit_walks[property])
            continue;
        into->hits |= (uint64_t)1 << property;
        into->hit_walks[property] = from->hit_walks[property];
        into->hit_depths[property] = from->hit_depths[property];
        into->hit_origins[property] = from->hit_origins[property];
    }
    if (from->error.id != 0 && (into->error.id == 0 || from->error_walk < into->error_walk)) {
        into->error = from->error;
        into->error_walk = from->error_walk;
    }
}

/* What one worker alone would have seen: it ends after the walk with the first model error, or after the one
 * that completes the hits, whichever comes first. */
static void qc_cut_off(qc_walks *walks, uint64_t properties)
{
    uint64_t last = 0;
    for (uint64_t hits = walks->hits & properties; hits != 0; hits &= hits - 1) {
        uint64_t walk = walks->hit_walks[__builtin_ctzll(hits)];
        last = walk > last ? walk : last;
    }
    if (walks->error.id == 0)
        return;
    if (properties != 0 && (properties & ~walks->hits) == 0 && last < walks->error_walk) {
        walks->error.id = 0;
        return;
    }
    for (int property = 0; property < 64; property++)
        if (walks->hits >> property & 1 && walks->hit_walks[property] > walks->error_walk)
            walks->hits &= ~((uint64_t)1 << property);
}

static void qc_report_walks(qc_search *search, qc_simulator *simulator, qc_walks *walks)
{
    *walks = (qc_walks){0};
    for (uint32_t i = 0; i < search->threads; i++)
        qc_merge_walks(walks, &simulator->walkers[i].walks);
    uint64_t asked = simulator->asked.properties;
    qc_cut_off(walks, asked);
    if (walks->error.id != 0)
        qc_stop_for(search, QC_STOPPED_ERROR);
    else
        qc_stop_for(search, asked != 0 && (asked & ~walks->hits) == 0 ? QC_STOPPED_HITS : QC_COMPLETE);
    walks->status = (uint32_t)atomic_load(&search->stop);
    walks->seconds = qc_seconds_since(&search->begun);
}

/* Gives every worker a walker and a clean sink. */
static qc_walker *qc_ready_walkers(qc_search *search)
{
    qc_walker *walkers = calloc(search->threads, sizeof *walkers);
    for (uint32_t i = 0; i < search->threads && walkers != NULL; i++) {
        qc_worker *worker = search->workers[i];
        qc_make_quiet(worker);
        worker->sink.found.hits = 0;
        worker->sink.found.error.id = 0;
        worker->sink.raw = true;
        worker->walker = &walkers[i];
    }
    return walkers;
}

int qc_simulate(qc_search *search, const qc_simulation *simulation, qc_walks *walks)
{
    qc_simulator simulator = {.asked = *simulation, .walkers = qc_ready_walkers(search)};
    *walks = (qc_walks){.status = QC_STOPPED_MEMORY};
    if (simulator.walkers == NULL)
        return QC_STOPPED_MEMORY;
    clock_gettime(CLOCK_MONOTONIC, &search->begun);
    pthread_mutex_init(&simulator.mutex, NULL);
    atomic_store(&search->stop, QC_RUNNING);
    atomic_store(&search->cursor, 0);
    search->simulator = &simulator;
    for (uint32_t i = 0; i < search->threads; i++)
        search->workers[i]->sink.quiet = false;
    qc_run_job(search, qc_walk_job, true);
    qc_report_walks(search, &simulator, walks);
    search->simulator = NULL;
    pthread_mutex_destroy(&simulator.mutex);
    free(simulator.walkers);
    return (int)walks->status;
}

uint32_t qc_walk(qc_search *search, uint64_t seed, uint64_t walk, uint32_t steps, uint64_t *out)
{
    qc_worker *worker = search->workers[0];
    qc_walker *walker = calloc(1, sizeof *walker);
    uint32_t made = 0;
    bool quiescent;
    if (walker == NULL)
        return 0;
    qc_make_quiet(worker);
    worker->walker = walker;
    qc_seed(walker, seed, walk);
    if (qc_choose_next(worker, NULL, &quiescent))
        qc_copy(out, walker->next);
    while (made < steps && qc_choose_next(worker, out + (uint64_t)made * QC_WORDS, &quiescent)) {
        made++;
        qc_copy(out + (uint64_t)made * QC_WORDS, walker->next);
    }
    free(walker);
    return made;
}

/* Depth-first search with a bounded memory of states, for machines whose memory is short.
 *
 * What is kept: the path with the steps not yet taken from its states, and a cache of states that have been
 * visited, each with the smallest depth at which it was. A state is expanded when it is not in the cache, and
 * again when it comes at a smaller depth, because more of what follows it lies within the bound then. When the
 * cache may not grow any more, states are forgotten, the deepest first, but never those on the path: so a path
 * has no loops, and the search ends.
 *
 * Every state that an initial state reaches in `bound` steps is visited: by induction along the steps to it,
 * the one before it has been entered no deeper than it lies there, and was expanded then. All states that
 * there are have been visited when, besides, each of them was expanded. States at the bound are not: such an
 * entry is `cut` until it comes at a smaller depth, and `open` counts them; when one is forgotten, `lost` says
 * that the search cannot tell any more.
 *
 * The cache: two buckets of 16 slots are home to a state, so that nearly all slots are used before both are
 * full. Everything here is done by one thread in a fixed order, and is the same on every run.
 */

#define QC_CACHE_SLOTS 16u
#ifndef QC_CACHE_BUCKETS_MIN /* tests use fewer, to make it forget */
#define QC_CACHE_BUCKETS_MIN 256u
#define QC_CACHE_BUCKETS_MAX UINT32_MAX
#endif
#define QC_CUT 1u
#define QC_ON_PATH 2u
#define QC_DEPTH_SHIFT 2
#define QC_ERROR_PATH 64

typedef struct {
    uint64_t *states;
    uint32_t *tags;  /* 0: empty */
    uint32_t *marks; /* depth << QC_DEPTH_SHIFT | QC_ON_PATH | QC_CUT */
    uint64_t buckets;
} qc_cache;

/* The steps from one state of the path, or the initial states: pending[begin .. end), taken up to `next`. */
typedef struct {
    uint64_t begin, next, end;
} qc_steps;

typedef struct qc_diver {
    qc_sink sink; /* first: the sink is cast to this */
    qc_sink rest; /* for expansions that only ask whether a state is quiescent */
    qc_search *search;
    qc_cache cache;
    uint64_t *pending;
    uint64_t pending_count, pending_room;
    qc_steps *steps; /* by depth */
    uint32_t steps_room;
    uint32_t bound, deepest;
    bool unbounded;
    bool lost;
    uint64_t open, states, visits, forgotten;
    uint64_t *paths[QC_ERROR_PATH + 1]; /* to each hit, and to the model error */
    uint32_t path_states[QC_ERROR_PATH + 1];
} qc_diver;

static uint64_t qc_cache_bytes(uint64_t buckets)
{
    return buckets * QC_CACHE_SLOTS * (QC_STATE_BYTES + 2 * sizeof(uint32_t));
}

static uint64_t qc_diver_bytes(const qc_diver *diver)
{
    return qc_cache_bytes(diver->cache.buckets) + diver->pending_room * QC_STATE_BYTES +
           diver->steps_room * sizeof(qc_steps) + sizeof *diver + diver->search->fixed_bytes;
}

/* Whether `more` bytes may be taken; notes the peak if so. */
static bool qc_may_take(qc_diver *diver, uint64_t more)
{
    uint64_t bytes = qc_diver_bytes(diver) + more;
    if (bytes > diver->search->memory_bytes_max)
        return false;
    if (bytes > diver->search->result.bytes_peak)
        diver->search->result.bytes_peak = bytes;
    qc_show(&diver->search->progress.bytes, bytes);
    return true;
}

static void qc_free_cache(qc_cache *cache)
{
    free(cache->states);
    free(cache->tags);
    free(cache->marks);
    *cache = (qc_cache){0};
}

static bool qc_new_cache(qc_cache *cache, uint64_t buckets)
{
    uint64_t slots = buckets * QC_CACHE_SLOTS;
    *cache = (qc_cache){malloc(slots * QC_STATE_BYTES), calloc(slots, sizeof(uint32_t)),
                        calloc(slots, sizeof(uint32_t)), buckets};
    if (cache->states != NULL && cache->tags != NULL && cache->marks != NULL)
        return true;
    qc_free_cache(cache);
    return false;
}

QC_INLINE uint32_t qc_cache_tag(uint64_t hash)
{
    return (uint32_t)(hash * 0x9e3779b97f4a7c15ull >> 32) | 1;
}

/* The first slot of one of the two buckets of a state. */
QC_INLINE uint64_t qc_cache_home(const qc_cache *cache, uint64_t hash, int which)
{
    uint64_t half = which == 0 ? hash >> 32 : (uint32_t)hash;
    return (half * cache->buckets >> 32) * QC_CACHE_SLOTS;
}

/* The slot of a state, or -1. */
static int64_t qc_cache_find(const qc_cache *cache, const uint64_t *state, uint64_t hash)
{
    uint32_t tag = qc_cache_tag(hash);
    for (int which = 0; which < 2; which++) {
        uint64_t home = qc_cache_home(cache, hash, which);
        for (uint64_t slot = home; slot < home + QC_CACHE_SLOTS; slot++)
            if (cache->tags[slot] == tag && qc_equal(cache->states + slot * QC_WORDS, state))
                return (int64_t)slot;
    }
    return -1;
}

/* An empty slot for a state, or -1 when both of its buckets are full. */
static int64_t qc_cache_room(const qc_cache *cache, uint64_t hash)
{
    int64_t best = -1;
    uint32_t best_free = 0;
    for (int which = 0; which < 2; which++) {
        uint64_t home = qc_cache_home(cache, hash, which);
        uint32_t available = 0;
        for (uint32_t i = 0; i < QC_CACHE_SLOTS; i++)
            available += cache->tags[home + i] == 0;
        for (uint32_t i = 0; i < QC_CACHE_SLOTS && available > best_free; i++) {
            if (cache->tags[home + i] == 0) {
                best = (int64_t)(home + i);
                best_free = available;
            }
        }
    }
    return best;
}

/* Forgets the deepest state of the two buckets that is not on the path; its slot, or -1 when all are. */
static int64_t qc_cache_forget(qc_diver *diver, uint64_t hash)
{
    qc_cache *cache = &diver->cache;
    int64_t deepest = -1;
    for (int which = 0; which < 2; which++) {
        uint64_t home = qc_cache_home(cache, hash, which);
        for (uint64_t slot = home; slot < home + QC_CACHE_SLOTS; slot++)
            if (!(cache->marks[slot] & QC_ON_PATH) &&
                (deepest < 0 ||
                 cache->marks[slot] >> QC_DEPTH_SHIFT > cache->marks[deepest] >> QC_DEPTH_SHIFT))
                deepest = (int64_t)slot;
    }
    if (deepest < 0)
        return -1;
    if (cache->marks[deepest] & QC_CUT) {
        diver->open--;
        diver->lost = true;
    }
    diver->forgotten++;
    return deepest;
}

static void qc_cache_put(qc_cache *cache, int64_t slot, const uint64_t *state, uint64_t hash, uint32_t mark)
{
    qc_copy(cache->states + (uint64_t)slot * QC_WORDS, state);
    cache->tags[slot] = qc_cache_tag(hash);
    cache->marks[slot] = mark;
}

/* Doubles the cache where memory allows, to at most half of the limit; false when it stays as it is. */
static bool qc_cache_grow(qc_diver *diver)
{
    qc_cache larger, *cache = &diver->cache;
    uint64_t buckets = 2 * cache->buckets;
    if (buckets > QC_CACHE_BUCKETS_MAX || qc_cache_bytes(buckets) > diver->search->memory_bytes_max / 2 ||
        !qc_may_take(diver, qc_cache_bytes(buckets)) || !qc_new_cache(&larger, buckets))
        return false;
    for (uint64_t slot = 0; slot < cache->buckets * QC_CACHE_SLOTS; slot++) {
        if (cache->tags[slot] == 0)
            continue;
        const uint64_t *state = cache->states + slot * QC_WORDS;
        int64_t room = qc_cache_room(&larger, qc_hash(state));
        if (room < 0) { /* next to impossible: then the smaller one has to do */
            qc_free_cache(&larger);
            return false;
        }
        qc_cache_put(&larger, room, state, qc_hash(state), cache->marks[slot]);
    }
    qc_free_cache(cache);
    *cache = larger;
    qc_show(&diver->search->progress.table_slots, buckets * QC_CACHE_SLOTS);
    return true;
}

/* Enters a state at a depth; whether it has to be expanded. Sets *is_new when it was not in the cache. */
static bool qc_enter(qc_diver *diver, const uint64_t *state, uint32_t depth, bool *is_new)
{
    qc_cache *cache = &diver->cache;
    uint64_t hash = qc_hash(state);
    uint32_t mark = depth << QC_DEPTH_SHIFT | (depth == diver->bound ? QC_CUT : QC_ON_PATH);
    int64_t slot = qc_cache_find(cache, state, hash);
    *is_new = slot < 0;
    if (slot >= 0) {
        uint32_t known = cache->marks[slot];
        if (diver->unbounded || known >> QC_DEPTH_SHIFT <= depth)
            return false;
        if (known & QC_CUT)
            diver->open--;
        /* On the path it is at a smaller depth, so that it cannot be there. */
        cache->marks[slot] = mark;
    } else {
        while ((slot = qc_cache_room(cache, hash)) < 0 && qc_cache_grow(diver))
            ;
        if (slot < 0)
            slot = qc_cache_forget(diver, hash);
        if (slot < 0) {
            qc_stop_for(diver->search, QC_STOPPED_MEMORY);
            return false;
        }
        qc_cache_put(cache, slot, state, hash, mark);
        diver->states++;
    }
    if (mark & QC_CUT)
        diver->open++;
    return true;
}

static void qc_leave(qc_diver *diver, const uint64_t *state)
{
    int64_t slot = qc_cache_find(&diver->cache, state, qc_hash(state));
    diver->cache.marks[slot] &= ~QC_ON_PATH;
}

/* Flush: what was emitted waits its turn. */
static void qc_await_turn(qc_sink *sink)
{
    qc_diver *diver = (qc_diver *)sink;
    qc_batch *batch = sink->batch;
    uint64_t count = diver->pending_count + batch->count;
    if (batch->count == 0)
        return;
    if (count > diver->pending_room) {
        uint64_t room = 2 * count + QC_BATCH;
        uint64_t *pending = NULL;
        if (qc_may_take(diver, room * QC_STATE_BYTES))
            pending = realloc(diver->pending, room * QC_STATE_BYTES);
        if (pending == NULL) {
            qc_stop_for(diver->search, QC_STOPPED_MEMORY);
            batch->count = 0;
            return;
        }
        diver->pending = pending;
        diver->pending_room = room;
    }
    memcpy(diver->pending + diver->pending_count * QC_WORDS, batch->states, batch->count * QC_STATE_BYTES);
    diver->pending_count = count;
    batch->count = 0;
}

static bool qc_steps_fit(qc_diver *diver, uint32_t depth)
{
    if (depth < diver->steps_room)
        return true;
    uint32_t room = 2 * diver->steps_room;
    qc_steps *steps = NULL;
    if (room > depth && qc_may_take(diver, room * sizeof *steps))
        steps = realloc(diver->steps, room * sizeof *steps);
    if (steps == NULL) {
        qc_stop_for(diver->search, QC_STOPPED_MEMORY);
        return false;
    }
    diver->steps = steps;
    diver->steps_room = room;
    return true;
}

/* Keeps the path to `depth`, and the state after it where there is one. */
static void qc_keep_path(qc_diver *diver, int number, uint32_t depth, const uint64_t *after)
{
    uint32_t count = depth + 1 + (after != NULL);
    uint64_t *path = malloc((uint64_t)count * QC_STATE_BYTES);
    if (path == NULL) {
        qc_stop_for(diver->search, QC_STOPPED_MEMORY);
        return;
    }
    for (uint32_t i = 0; i <= depth; i++)
        qc_copy(path + (uint64_t)i * QC_WORDS, diver->pending + (diver->steps[i].next - 1) * QC_WORDS);
    if (after != NULL)
        qc_copy(path + (uint64_t)(depth + 1) * QC_WORDS, after);
    diver->paths[number] = path;
    diver->path_states[number] = count;
}

/* Takes over what was found at the end of the path, which is at `depth`. */
static void qc_take_findings(qc_diver *diver, qc_findings *found, uint32_t depth)
{
    qc_search *search = diver->search;
    if (QC_LIKELY((found->hits | found->error.id) == 0))
        return;
    found->hits &= ~search->found.hits;
    for (uint64_t hits = found->hits; hits != 0; hits &= hits - 1) {
        int property = __builtin_ctzll(hits);
        bool step = found->origins[property] == QC_FROM_STEP_CHECK;
        qc_keep_path(diver, property, depth, step ? found->states[property] : NULL);
        if (diver->paths[property] == NULL)
            found->hits &= ~((uint64_t)1 << property);
    }
    if (found->error.id != 0 && search->found.error.id == 0) {
        if (found->error.origin != QC_FROM_INITIAL)
            qc_keep_path(diver, QC_ERROR_PATH, depth, NULL);
        if (found->error.origin == QC_FROM_INITIAL || diver->paths[QC_ERROR_PATH] != NULL)
            qc_stop_for(search, QC_STOPPED_ERROR);
        else
            found->error.id = 0;
    }
    qc_merge(&search->found, found);
    found->hits = 0;
    found->error.id = 0;
    diver->sink.active = diver->rest.active = search->config.properties & ~search->found.hits;
}

/* Looks at the clock, the caller's wishes and the limits now and then. */
static void qc_look_around(qc_diver *diver, uint32_t depth)
{
    qc_search *search = diver->search;
    if (search->config.states_max != 0 && diver->states >= search->config.states_max)
        qc_stop_for(search, QC_STOPPED_STATES);
    if (++diver->visits % 1024 != 0)
        return;
    if (search->config.time_s_max > 0 && qc_seconds_since(&search->begun) > search->config.time_s_max)
        qc_stop_for(search, QC_STOPPED_TIME);
    qc_show(&search->progress.states, diver->states);
    qc_show(&search->progress.depth, diver->unbounded ? depth : diver->bound);
    qc_show(&search->progress.frontier, diver->pending_count);
}

/* Takes the next step from the end of the path, which is at `depth` - 1; whether the path is longer now. */
static bool qc_go_deeper(qc_diver *diver, uint32_t depth)
{
    qc_search *search = diver->search;
    uint64_t number = diver->steps[depth].next++;
    uint64_t state[QC_WORDS]; /* what is pending may be moved */
    bool is_new;
    if (depth > diver->deepest)
        diver->deepest = depth;
    qc_copy(state, diver->pending + number * QC_WORDS);
    qc_look_around(diver, depth);
    if (!qc_enter(diver, state, depth, &is_new))
        return false;
    if (is_new) {
        qc_judge_state(&diver->sink.found, diver->sink.active, depth, state);
        qc_take_findings(diver, &diver->sink.found, depth);
        if (qc_stopped(search))
            return false;
    }
    bool is_cut = depth == diver->bound;
    qc_sink *sink = is_cut ? &diver->rest : &diver->sink;
    sink->parent = state;
    sink->depth = depth;
    uint64_t begin = diver->pending_count;
    bool quiescent = qc_expand(state, sink);
    sink->flush(sink);
    if (quiescent)
        qc_judge_quiescent(&sink->found, sink->active, depth, state);
    qc_take_findings(diver, &sink->found, depth);
    if (is_cut || !qc_steps_fit(diver, depth + 1))
        return false;
    diver->steps[depth + 1] = (qc_steps){begin, begin, diver->pending_count};
    return true;
}

/* One search to diver->bound. */
static void qc_dive(qc_diver *diver)
{
    qc_search *search = diver->search;
    uint32_t depth = 0;
    memset(diver->cache.tags, 0, diver->cache.buckets * QC_CACHE_SLOTS * sizeof(uint32_t));
    memset(diver->sink.coverage, 0, sizeof diver->sink.coverage);
    diver->open = diver->states = diver->forgotten = diver->pending_count = 0;
    diver->lost = false;
    diver->sink.parent = NULL;
    diver->sink.judges_steps = false;
    diver->sink.depth = UINT32_MAX;
    qc_initial(&diver->sink);
    qc_await_turn(&diver->sink);
    memset(diver->sink.coverage, 0, sizeof diver->sink.coverage); /* initial states are no steps */
    diver->steps[0] = (qc_steps){0, 0, diver->pending_count};
    if (diver->sink.found.error.id != 0)
        qc_take_findings(diver, &diver->sink.found, 0);
    diver->sink.judges_steps = true;
    while (!qc_stopped(search)) {
        if (diver->steps[depth].next < diver->steps[depth].end) {
            depth += qc_go_deeper(diver, depth);
            continue;
        }
        diver->pending_count = diver->steps[depth].begin;
        if (depth == 0)
            return;
        depth--;
        qc_leave(diver, diver->pending + (diver->steps[depth].next - 1) * QC_WORDS);
    }
}

static void qc_fill_descent(qc_diver *diver)
{
    qc_search *search = diver->search;
    search->count = 0;
    search->result.transitions = 0;
    for (int step = 0; step < QC_STEP_NAMES; step++) {
        search->coverage[step] = diver->sink.coverage[step];
        search->result.transitions += diver->sink.coverage[step];
    }
    qc_fill_result(search);
    search->result.states = diver->states;
    /* The sizes of orbits are not followed, nor is what was forgotten known to be new. */
    search->result.represented = QC_SYMMETRY || diver->forgotten != 0 ? 0 : diver->states;
}

/* Dives to the depth limit at once, or to 0, 1, 2, ... steps until all is seen. */
static void qc_dive_to_limit(qc_diver *diver, bool deepens)
{
    qc_search *search = diver->search;
    const uint32_t deepest = UINT32_MAX >> QC_DEPTH_SHIFT;
    uint32_t limit = search->config.depth_max < deepest ? search->config.depth_max : deepest;
    for (diver->bound = deepens ? 0 : limit; !qc_stopped(search); diver->bound++) {
        diver->unbounded = !deepens && limit == deepest;
        qc_dive(diver);
        if (qc_stopped(search))
            return;
        search->result.depth_complete = diver->bound;
        if (diver->open == 0 && !diver->lost)
            qc_stop_for(search, QC_COMPLETE);
        else if (diver->bound == limit)
            qc_stop_for(search, QC_STOPPED_DEPTH);
    }
}

static void qc_free_diver(qc_diver *diver)
{
    if (diver == NULL)
        return;
    qc_free_cache(&diver->cache);
    free(diver->pending);
    free(diver->steps);
    for (int i = 0; i <= QC_ERROR_PATH; i++)
        free(diver->paths[i]);
    free(diver);
}

static bool qc_ready_diver(qc_diver *diver)
{
    static uint32_t nowhere[QC_BUCKET_SLOTS] __attribute__((aligned(QC_CACHE_LINE)));
    diver->sink.batch = diver->sink.batches;
    diver->rest.batch = diver->rest.batches;
    diver->sink.table = diver->rest.table = (qc_table){nowhere, 1, 0};
    diver->sink.flush = qc_await_turn;
    diver->rest.flush = qc_discard;
    diver->rest.quiet = true;
    diver->sink.active = diver->rest.active = diver->search->config.properties;
    diver->steps_room = 1024;
    diver->steps = malloc(diver->steps_room * sizeof *diver->steps);
    return diver->steps != NULL && qc_may_take(diver, qc_cache_bytes(QC_CACHE_BUCKETS_MIN)) &&
           qc_new_cache(&diver->cache, QC_CACHE_BUCKETS_MIN);
}

int qc_descend(qc_search *search, uint32_t deepens)
{
    clock_gettime(CLOCK_MONOTONIC, &search->begun);
    if (search->diver != NULL)
        return (int)search->result.status; /* it has run */
    qc_diver *diver = calloc(1, sizeof *diver);
    if (diver == NULL)
        return QC_STOPPED_MEMORY;
    search->diver = diver;
    diver->search = search;
    if (qc_ready_diver(diver))
        qc_dive_to_limit(diver, deepens != 0);
    else
        qc_stop_for(search, QC_STOPPED_MEMORY);
    qc_fill_descent(diver);
    return (int)search->result.status;
}

uint32_t qc_deepest(qc_search *search)
{
    return search->diver == NULL ? 0 : search->diver->deepest;
}

uint64_t qc_forgotten(qc_search *search)
{
    return search->diver == NULL ? 0 : search->diver->forgotten;
}

const uint64_t *qc_descent_path(qc_search *search, uint32_t number, uint32_t *states)
{
    if (search->diver == NULL || number > QC_ERROR_PATH)
        return NULL;
    *states = search->diver->path_states[number];
    return search->diver->paths[number];
}

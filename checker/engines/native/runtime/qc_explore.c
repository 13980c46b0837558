/* Reading the stored states, and single expansions: for graphs, explanations and tests. */

const uint64_t *qc_state_at(qc_search *search, uint64_t index)
{
    return index < search->count ? qc_stored(search, index) : NULL;
}

int64_t qc_index_of(qc_search *search, const uint64_t *state)
{
    const qc_table *table = &search->table;
    if (table->slots == NULL)
        return -1;
    uint64_t hash = qc_hash(state);
    for (uint64_t number = qc_home(table, hash);; number = qc_next(table, number)) {
        const uint32_t *bucket = qc_bucket(table, number);
        qc_glance glance = qc_look(bucket, (uint32_t)hash, table->tag_mask);
        for (uint32_t matches = glance.matches; matches != 0; matches &= matches - 1) {
            uint32_t index = qc_slot_index(table, bucket[__builtin_ctz(matches)]);
            if (qc_equal(qc_stored(search, index), state))
                return index;
        }
        if (glance.empty != 0)
            return -1;
    }
}

void qc_representative(const uint64_t *state, uint64_t *out, uint8_t *names)
{
#if QC_SYMMETRY
    qc_rename_to_representative(out, state, names);
#else
    (void)names;
    qc_copy(out, state);
#endif
}

typedef struct {
    qc_sink sink; /* first: the sink is cast to this */
    uint64_t seen, room;
    uint64_t *states;
    uint32_t *steps;
} qc_lister;

static void qc_list(qc_sink *sink)
{
    qc_lister *lister = (qc_lister *)sink;
    qc_batch *batch = sink->batch;
    for (uint32_t i = 0; i < batch->count; i++, lister->seen++) {
        if (lister->seen >= lister->room)
            continue;
        qc_copy(lister->states + lister->seen * QC_WORDS, batch->states[i]);
        lister->steps[lister->seen] = batch->steps[i];
    }
    batch->count = 0;
}

uint64_t qc_successors(qc_search *search, const uint64_t *state, uint64_t room, uint64_t *states, uint32_t *steps)
{
    static uint32_t nowhere[QC_BUCKET_SLOTS] __attribute__((aligned(QC_CACHE_LINE)));
    (void)search;
    qc_lister *lister = calloc(1, sizeof *lister);
    if (lister == NULL)
        return 0;
    lister->room = room;
    lister->states = states;
    lister->steps = steps;
    lister->sink.batch = lister->sink.batches;
    lister->sink.table = (qc_table){nowhere, 1, 0};
    lister->sink.flush = qc_list;
    lister->sink.parent = state;
    lister->sink.quiet = true;
    lister->sink.raw = true;
    (void)qc_expand(state, &lister->sink);
    qc_list(&lister->sink);
    uint64_t seen = lister->seen;
    free(lister);
    return seen;
}

typedef struct {
    qc_sink sink; /* first: the sink is cast to this */
    qc_search *search;
    uint64_t seen, room;
    uint32_t *targets, *steps;
} qc_edge_lister;

static void qc_list_edges(qc_sink *sink)
{
    qc_edge_lister *lister = (qc_edge_lister *)sink;
    qc_batch *batch = sink->batch;
    for (uint32_t i = 0; i < batch->count; i++) {
        int64_t index = qc_index_of(lister->search, batch->states[i]);
        if (index < 0)
            continue;
        if (lister->seen < lister->room) {
            lister->targets[lister->seen] = (uint32_t)index;
            lister->steps[lister->seen] = batch->steps[i];
        }
        lister->seen++;
    }
    batch->count = 0;
}

uint64_t qc_edges(qc_search *search, uint64_t *next, uint64_t room, uint32_t *sources, uint32_t *targets,
                  uint32_t *steps)
{
    uint64_t listed = 0;
    qc_edge_lister *lister = calloc(1, sizeof *lister);
    if (lister == NULL)
        return 0;
    lister->search = search;
    lister->sink.batch = lister->sink.batches;
    lister->sink.table = search->table;
    lister->sink.flush = qc_list_edges;
    lister->sink.quiet = true;
    for (; *next < search->count; ++*next) {
        lister->seen = 0;
        lister->room = room - listed;
        lister->targets = targets + listed;
        lister->steps = steps + listed;
        lister->sink.parent = qc_stored(search, *next);
        (void)qc_expand(lister->sink.parent, &lister->sink);
        qc_list_edges(&lister->sink);
        if (lister->seen > lister->room) {
            if (listed == 0)
                listed = lister->seen;
            break;
        }
        for (uint64_t i = 0; i < lister->seen; i++)
            sources[listed + i] = (uint32_t)*next;
        listed += lister->seen;
    }
    free(lister);
    return listed;
}

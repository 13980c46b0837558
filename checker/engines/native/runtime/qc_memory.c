/* Memory straight from the system: address space is reserved, pages come zeroed and on first touch.
 *
 * Large pages matter: both the table and the states are read at random, and with small pages most reads
 * would also miss the processor's cache of address translations.
 */

#define QC_HUGE_PAGE ((size_t)2 << 20)

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* `bytes` of zeroed memory, none of it resident yet; NULL when refused. */
static void *qc_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= 2 * QC_HUGE_PAGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

static void qc_unmap(void *memory, size_t bytes)
{
    if (memory != NULL)
        munmap(memory, bytes);
}

/* `bytes` of zeroed memory in place of a smaller mapping, whose pages stay resident; NULL, and the old
 * mapping gone, when refused. */
static void *qc_remap_cleared(void *memory, size_t old_bytes, size_t bytes)
{
#ifdef MREMAP_MAYMOVE
    if (memory != NULL && old_bytes < bytes) {
        void *larger = mremap(memory, old_bytes, bytes, MREMAP_MAYMOVE);
        if (larger != MAP_FAILED) {
            memset(larger, 0, old_bytes);
#ifdef MADV_HUGEPAGE
            if (bytes >= 2 * QC_HUGE_PAGE)
                (void)madvise(larger, bytes, MADV_HUGEPAGE);
#endif
            return larger;
        }
    }
#endif
    qc_unmap(memory, old_bytes);
    return qc_map(bytes);
}

static uint64_t qc_machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : (uint64_t)1 << 32;
}

/* Reserves room for as many states as the memory limit allows, or as the system grants. */
static bool qc_reserve_states(qc_search *search)
{
    uint64_t room = search->memory_bytes_max / QC_STATE_BYTES + 1;
    if (room > QC_INDEX_MAX)
        room = QC_INDEX_MAX;
    room += (uint64_t)(search->threads + 1) * (QC_BLOCK + 4 * QC_BATCH);
    for (; room >= 4 * (search->threads + 1) * QC_BLOCK / 3; room /= 2) {
        search->states = qc_map(room * QC_STATE_BYTES);
        if (search->states != NULL) {
            search->states_room = room;
            return true;
        }
    }
    return false;
}

static void qc_release_states(qc_search *search)
{
    qc_unmap(search->states, search->states_room * QC_STATE_BYTES);
    search->states = NULL;
    search->states_room = search->count = 0;
}

static uint64_t qc_table_bytes(const qc_table *table)
{
    return table->buckets * QC_BUCKET_SLOTS * sizeof(uint32_t);
}

static uint64_t qc_bytes_in_use(const qc_search *search, uint64_t states)
{
    return states * QC_STATE_BYTES + qc_table_bytes(&search->table) + search->fixed_bytes;
}

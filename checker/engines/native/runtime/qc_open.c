/* Opening, closing and watching a search. */

static qc_worker *qc_new_worker(qc_search *search)
{
    qc_worker *worker = NULL;
    if (posix_memalign((void **)&worker, QC_CACHE_LINE, sizeof *worker) != 0)
        return NULL;
    memset(worker, 0, sizeof *worker);
    worker->search = search;
    qc_forget(&worker->recent);
    worker->sink.batch = worker->sink.batches;
    return worker;
}

static uint32_t qc_threads_wanted(uint32_t asked)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t threads = asked != 0 ? asked : cores > 0 ? (uint32_t)cores : 1;
    return threads < QC_THREADS_MAX ? threads : QC_THREADS_MAX;
}

qc_search *qc_open(const qc_config *config)
{
    qc_search *search = NULL;
    if (posix_memalign((void **)&search, QC_CACHE_LINE, sizeof *search) != 0)
        return NULL;
    memset(search, 0, sizeof *search);
    search->config = *config;
    search->threads = qc_threads_wanted(config->threads);
    uint64_t machine = qc_machine_bytes(), asked = config->memory_bytes_max;
    search->memory_bytes_max = asked != 0 && asked < machine ? asked : machine;
    search->fixed_bytes = sizeof *search + search->threads * sizeof(qc_worker);
    pthread_mutex_init(&search->pool.mutex, NULL);
    pthread_cond_init(&search->pool.wake, NULL);
    pthread_cond_init(&search->pool.done, NULL);
    search->workers = calloc(search->threads, sizeof *search->workers);
    for (uint32_t i = 0; i < search->threads && search->workers != NULL; i++) {
        search->workers[i] = qc_new_worker(search);
        if (search->workers[i] == NULL) {
            qc_close(search);
            return NULL;
        }
    }
    if (search->workers == NULL) {
        qc_close(search);
        return NULL;
    }
    return search;
}

void qc_close(qc_search *search)
{
    if (search == NULL)
        return;
    qc_pool_close(search);
    for (uint32_t i = 0; search->workers != NULL && i < search->threads && search->workers[i] != NULL; i++) {
        free(search->workers[i]->spilled);
        free(search->workers[i]);
    }
    free(search->workers);
    qc_free_diver(search->diver);
    free(search->level_begins);
    free(search->level_counts);
    qc_unmap(search->table.slots, qc_table_bytes(&search->table));
    qc_release_states(search);
    free(search);
}

void qc_stop(qc_search *search)
{
    qc_stop_for(search, QC_STOPPED_CALLER);
}

const qc_progress *qc_progress_of(qc_search *search)
{
    return &search->progress;
}

const qc_result *qc_result_of(qc_search *search)
{
    return &search->result;
}

uint32_t qc_abi(void)
{
    return QC_ABI;
}

uint32_t qc_words(void)
{
    return QC_WORDS;
}

uint32_t qc_step_names(void)
{
    return QC_STEP_NAMES;
}

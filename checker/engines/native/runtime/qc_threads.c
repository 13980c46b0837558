/* A pool of threads that all run one job, and the caller waits for them.
 *
 * Threads are created when first needed: small models never pay for them.
 */

static void *qc_thread_main(void *argument)
{
    qc_worker *worker = argument;
    qc_pool *pool = &worker->search->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->jobs == seen && !pool->closing)
            pthread_cond_wait(&pool->wake, &pool->mutex);
        if (pool->closing)
            break;
        seen = pool->jobs;
        qc_job *job = pool->job;
        pthread_mutex_unlock(&pool->mutex);
        job(worker);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Starts the threads that are still missing; when the system refuses, there are fewer. */
static void qc_pool_start(qc_search *search)
{
    qc_pool *pool = &search->pool;
    while (pool->started + 1 < search->threads) {
        qc_worker *worker = search->workers[pool->started + 1];
        if (pthread_create(&worker->thread, NULL, qc_thread_main, worker) != 0)
            break;
        pool->started++;
    }
}

/* Runs the job on every worker, or on worker 0 alone, and returns when all are done. */
static void qc_run_job(qc_search *search, qc_job *job, bool parallel)
{
    qc_pool *pool = &search->pool;
    if (!parallel || search->threads == 1) {
        job(search->workers[0]);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    if (pool->jobs == 0)
        qc_pool_start(search);
    pool->job = job;
    pool->jobs++;
    pool->busy = pool->started;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);

    job(search->workers[0]);

    pthread_mutex_lock(&pool->mutex);
    while (pool->busy != 0)
        pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void qc_pool_close(qc_search *search)
{
    qc_pool *pool = &search->pool;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t i = 1; i <= pool->started; i++)
        pthread_join(search->workers[i]->thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
}

/* The next indices to work on, as a range; empty when there are none left or the search is to stop. */
static bool qc_next_chunk(qc_search *search, uint64_t *begin, uint64_t *end)
{
    if (qc_stopped(search))
        return false;
    *begin = atomic_fetch_add_explicit(&search->cursor, search->chunk, memory_order_relaxed);
    *end = *begin + search->chunk < search->range_end ? *begin + search->chunk : search->range_end;
    return *begin < search->range_end;
}

/* Prepares work on a range of indices in chunks: large enough to be cheap, small enough to share. */
static void qc_set_range(qc_search *search, uint64_t begin, uint64_t end)
{
    uint64_t share = (end - begin) / (search->threads * 16);
    search->chunk = share < 16 ? 16 : share > 256 ? 256 : share;
    search->range_end = end;
    atomic_store(&search->cursor, begin);
}

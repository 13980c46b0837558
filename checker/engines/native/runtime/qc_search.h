/* The search: its store of states, its workers and what they share.
 *
 * States lie one after the other in a single reserved stretch of address space, of which only what has been
 * written is resident; nothing is ever moved to make room, so a state's address is fixed. They are in order
 * of depth: the states of one level are a contiguous range of indices.
 *
 * A level is expanded in one or more rounds. Within a round the table does not change its size; between
 * rounds there is only one thread, which grows the table or decides to stop.
 */
#ifndef QC_SEARCH_H
#define QC_SEARCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "qc_model.h"

/* Indices that a worker reserves at a time when several workers add states. */
#define QC_BLOCK 1024u
#define QC_INDEX_MAX ((uint64_t)UINT32_MAX - 1)
/* Levels below this many states are not worth waking other threads for. */
#define QC_PARALLEL_LEVEL_MIN 2048u
#define QC_THREADS_MAX 256u
#define QC_CACHE_LINE 64

typedef struct qc_worker qc_worker;
typedef void qc_job(qc_worker *worker);

struct qc_worker {
    qc_sink sink; /* first, so that a sink can be cast to its worker */
    qc_search *search;
    pthread_t thread;
    qc_recent recent;
    uint64_t next, end;   /* indices reserved for new states */
    uint64_t shown;       /* transitions of this level that the progress display has */
    uint64_t *spilled;    /* states that did not fit the table in this round */
    uint64_t spilled_count, spilled_room;
    struct qc_walker *walker; /* simulation: the walk being made */
    struct qc_seeker *seeker; /* path rebuilding: the predecessors looked for */
};

/* A pool of threads that run the same job on every worker; worker 0 is the calling thread. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    qc_job *job;
    uint64_t jobs;     /* how many have been started */
    uint32_t busy;     /* threads still at the current one */
    uint32_t started;  /* threads created */
    bool closing;
} qc_pool;

struct qc_search {
    qc_config config;
    uint32_t threads;
    qc_worker **workers;
    qc_pool pool;

    uint64_t *states;
    uint64_t states_room;  /* states that the reserved address space holds */
    uint64_t count;        /* states stored, between rounds */
    qc_table table;
    uint64_t fixed_bytes;  /* workers */
    uint64_t memory_bytes_max;

    /* Bounds for the indices in use, set between rounds. */
    uint64_t round_max;    /* workers end the round beyond */
    uint64_t insert_max;   /* workers spill instead of inserting beyond */
    bool shared;           /* several workers are at this round */

    uint64_t *level_begins; /* first index of each level, and of the one being found */
    uint64_t *level_counts;
    uint32_t levels, levels_room;
    uint64_t range_end;     /* of the range of indices being worked on */
    uint64_t chunk;         /* indices that a worker takes at a time */

    uint64_t coverage[QC_STEP_NAMES];
    uint64_t represented;   /* states that the stored ones stand for */
    bool orbits_unknown;    /* ... and perhaps more */
    qc_findings found;
    struct timespec begun;
    struct qc_simulator *simulator; /* while one runs */
    struct qc_diver *diver;         /* once the search has been depth-first */
    qc_progress progress;
    qc_result result;

    _Alignas(QC_CACHE_LINE) _Atomic uint64_t cursor;   /* next index to work on */
    _Alignas(QC_CACHE_LINE) _Atomic uint64_t reserved; /* next index not reserved by any worker */
    _Alignas(QC_CACHE_LINE) _Atomic int stop;          /* enum qc_status, 0: go on */
};

static inline qc_worker *qc_worker_of(qc_sink *sink)
{
    return (qc_worker *)sink;
}

static inline uint64_t *qc_stored(const qc_search *search, uint64_t index)
{
    return search->states + index * QC_WORDS;
}

/* The first reason to stop wins. */
static inline void qc_stop_for(qc_search *search, enum qc_status reason)
{
    int going_on = QC_RUNNING;
    atomic_compare_exchange_strong(&search->stop, &going_on, (int)reason);
}

static inline bool qc_stopped(qc_search *search)
{
    return atomic_load_explicit(&search->stop, memory_order_relaxed) != QC_RUNNING;
}

static inline double qc_seconds_since(const struct timespec *begun)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begun->tv_sec) + 1e-9 * (double)(now.tv_nsec - begun->tv_nsec);
}

static inline void qc_show(uint64_t *field, uint64_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline void qc_show_more(uint64_t *field, uint64_t by)
{
    __atomic_fetch_add(field, by, __ATOMIC_RELAXED);
}

#endif

/* The exported interface of a compiled model.
 *
 * A model is compiled as one translation unit into a shared library that exports these functions and
 * nothing else. The structs are read by foreign-function interfaces, hence fixed-width fields only, and
 * a version (`QC_ABI`) to raise whenever one of them changes.
 */
#ifndef QC_API_H
#define QC_API_H

#include <stdint.h>

#define QC_ABI 3u
#define QC_EXPORT __attribute__((visibility("default")))
#define QC_NO_LIMIT_DEPTH UINT32_MAX

typedef struct qc_search qc_search;

/* Why a search or a simulation ended. Everything but QC_COMPLETE leaves valid partial results. */
enum qc_status {
    QC_RUNNING = 0,
    QC_COMPLETE = 1,        /* every reachable state was expanded; simulation: every walk was made */
    QC_STOPPED_CALLER = 2,  /* qc_stop */
    QC_STOPPED_STATES = 3,  /* states_max */
    QC_STOPPED_TIME = 4,    /* time_s_max */
    QC_STOPPED_MEMORY = 5,  /* memory_bytes_max, or the system refused an allocation */
    QC_STOPPED_DEPTH = 6,   /* depth_max: states at that depth are known and checked, not expanded */
    QC_STOPPED_ERROR = 7,   /* a model error, see qc_error */
    QC_STOPPED_HITS = 8,    /* all properties have been hit: simulation, or stop_when_all_hit */
    QC_NOT_FOUND = 9        /* qc_paths: a target has no predecessor in the level before it */
};

/* Where a model error or a hit comes from. */
enum qc_origin {
    QC_FROM_NOTHING = 0,
    QC_FROM_INITIAL = 1,    /* qc_fail within qc_initial; there is no state */
    QC_FROM_STEP = 2,       /* qc_fail within qc_expand; the state is the one expanded */
    QC_FROM_STATE = 3,      /* qc_check_state */
    QC_FROM_STEP_CHECK = 4, /* qc_check_step; the error's state is the one before the step */
    QC_FROM_QUIESCENT = 5   /* qc_check_quiescent */
};

typedef struct {
    uint32_t threads;           /* 0: one per available core */
    uint32_t depth_max;         /* QC_NO_LIMIT_DEPTH: no limit */
    uint64_t properties;        /* mask of the properties to check */
    uint64_t states_max;        /* 0: no limit; exceeded by at most one batch a thread */
    uint64_t memory_bytes_max;  /* 0: the machine's memory; counts states, table and buffers */
    double time_s_max;          /* 0: no limit */
    uint32_t stop_when_all_hit; /* 1: stop after the level in which the last of `properties` is hit */
    uint32_t reserved;
} qc_config;

/* Written by the search, readable at any time from any thread; each field is consistent by itself. */
typedef struct {
    uint64_t states;
    uint64_t transitions;
    uint64_t depth;         /* of the level being expanded */
    uint64_t frontier;      /* states in that level */
    uint64_t frontier_done; /* of these, expanded */
    uint64_t bytes;         /* resident estimate */
    uint64_t table_slots;   /* load of the table is states / table_slots */
    uint64_t walks;         /* simulation only */
} qc_progress;

typedef struct {
    uint32_t id;     /* 0: no error */
    uint32_t origin; /* enum qc_origin */
    uint32_t depth;  /* of `state` */
    uint32_t step;   /* step name, for QC_FROM_STEP and QC_FROM_INITIAL */
} qc_error;

/* Pointers stay valid until the next qc_run of the same search, or qc_close. */
typedef struct {
    uint32_t status;              /* enum qc_status */
    uint32_t levels;              /* entries of level_states: depths 0 .. levels-1, the last may be partial */
    uint64_t states;
    uint64_t transitions;         /* successful steps; initial states do not count */
    uint32_t depth_complete;      /* all states up to this depth have been found and checked */
    uint32_t step_names;          /* entries of coverage */
    const uint64_t *level_states;
    const uint64_t *coverage;
    uint64_t hits;                /* mask; the arrays below have 64 entries, valid where the bit is set */
    const uint32_t *hit_depths;
    const uint32_t *hit_origins;  /* enum qc_origin */
    const uint64_t *hit_states;   /* 64 states */
    const uint64_t *hit_befores;  /* 64 states, meaningful for QC_FROM_STEP_CHECK */
    qc_error error;
    const uint64_t *error_state;
    double seconds;
    uint64_t bytes_peak;
    uint64_t represented;         /* with symmetry: states of all orbits found, 0 where not known; else states */
} qc_result;

typedef struct {
    uint64_t properties;
    uint64_t seed;
    uint64_t walks_max;  /* 0: no limit */
    double time_s_max;   /* 0: no limit */
    uint32_t depth_max;  /* steps a walk */
    uint32_t reserved;
} qc_simulation;

/* The hit of a property is the first in walk order; qc_walk gives its states. */
typedef struct {
    uint32_t status;
    uint32_t depth_reached;
    uint64_t walks;
    uint64_t steps;
    uint64_t hits;
    uint64_t hit_walks[64];
    uint32_t hit_depths[64];
    uint32_t hit_origins[64];
    qc_error error;
    uint64_t error_walk;
    double seconds;
} qc_walks;

QC_EXPORT uint32_t qc_abi(void);
QC_EXPORT uint32_t qc_words(void);
QC_EXPORT uint32_t qc_step_names(void);

/* NULL when there is not even memory for the first page of tables. */
QC_EXPORT qc_search *qc_open(const qc_config *config);
/* Blocks; returns enum qc_status. A search runs once; qc_simulate takes a search of its own. */
QC_EXPORT int qc_run(qc_search *search);
QC_EXPORT const qc_progress *qc_progress_of(qc_search *search);
QC_EXPORT const qc_result *qc_result_of(qc_search *search);
/* From any thread or a signal handler; ends qc_run, qc_paths and qc_simulate soon. */
QC_EXPORT void qc_stop(qc_search *search);
QC_EXPORT void qc_close(qc_search *search);

/* Searches depth first instead, on one thread, with a memory of states that is bounded by memory_bytes_max: to
 * depth_max steps, or with `deepens` to 0, 1, 2, ... steps, so that every hit is at its smallest depth.
 * QC_COMPLETE says that all states were seen, QC_STOPPED_DEPTH that all within depth_max steps were; otherwise
 * those within depth_complete steps were, if `deepens`. In the result, `states` and `transitions` count the
 * last descent, what was forgotten and seen again twice; there are no levels. */
QC_EXPORT int qc_descend(qc_search *search, uint32_t deepens);
/* The length of the longest path that was followed. */
QC_EXPORT uint32_t qc_deepest(qc_search *search);
/* How many states the last descent had to forget. */
QC_EXPORT uint64_t qc_forgotten(qc_search *search);
/* The path of a depth-first search to the hit of property `number`, or for 64 to the model error's state; its
 * length in states is set. NULL where there is none. */
QC_EXPORT const uint64_t *qc_descent_path(qc_search *search, uint32_t number, uint32_t *states);

/* The smallest shortest path to each of `count` (at most 64) targets, in one backward sweep. Target i is
 * `targets[i]` at `depths[i]`; its path of depths[i] + 1 states is written to `paths[i]`. */
QC_EXPORT int qc_paths(qc_search *search, uint32_t count, const uint64_t *const *targets,
                       const uint32_t *depths, uint64_t *const *paths);
QC_EXPORT int qc_path(qc_search *search, const uint64_t *target, uint32_t depth, uint64_t *out);

/* Stored states by index, in order of depth; NULL beyond the last. */
QC_EXPORT const uint64_t *qc_state_at(qc_search *search, uint64_t index);
/* The index of a stored state, or -1. */
QC_EXPORT int64_t qc_index_of(qc_search *search, const uint64_t *state);
/* The state that stands for the orbit of `state`: with symmetry it is what is stored, and `names` gets the new
 * name of each member of each set; without, itself. */
QC_EXPORT void qc_representative(const uint64_t *state, uint64_t *out, uint8_t *names);
/* All successors of a state, as they are, in emission order: up to `room` are written; returns how many there are. */
QC_EXPORT uint64_t qc_successors(qc_search *search, const uint64_t *state, uint64_t room,
                                 uint64_t *states, uint32_t *steps);

/* The edges of the graph of stored states, in order of their source and then of emission: those of all states
 * from *next on, as long as each state's edges fit into the room that is left. Advances *next; returns how many
 * edges there are. Steps to states that are not stored, beyond a depth limit, are left out. When not even the
 * edges of state *next fit, it stays and the number that they are is returned. */
QC_EXPORT uint64_t qc_edges(qc_search *search, uint64_t *next, uint64_t room, uint32_t *sources,
                            uint32_t *targets, uint32_t *steps);

QC_EXPORT int qc_simulate(qc_search *search, const qc_simulation *simulation, qc_walks *walks);
/* Repeats walk `walk` of `seed`: `steps` + 1 states to `out`; returns the steps made. */
QC_EXPORT uint32_t qc_walk(qc_search *search, uint64_t seed, uint64_t walk, uint32_t steps, uint64_t *out);

#endif

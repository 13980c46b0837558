/* What a generated model defines before it includes the runtime, and what it may call.
 *
 * A model is one C file:
 *
 *     #define QC_WORDS 2              64-bit words of a packed state, 1 .. 64
 *     #define QC_STEP_NAMES 12        step names are 0 .. QC_STEP_NAMES - 1
 *     #define QC_HAS_STATE_CHECK 1    some property is checked on every state
 *     #define QC_HAS_STEP_CHECK 0     ... on every transition
 *     #include "qc_model.h"
 *     static void qc_initial(...) { ... }     and the other functions declared below
 *     #include "qc_main.c"
 *
 * Optional: `QC_PASS_ACTIVE 1` gives the three check functions a further argument, the mask of properties
 * still of interest, so that they can skip the others; `QC_STATE_PROPERTIES`, `QC_STEP_PROPERTIES` and
 * `QC_QUIESCENT_PROPERTIES`, masks, let the runtime skip a whole check once its properties are hit.
 *
 * Optional: with `QC_SYMMETRY 1` the search stores one state of each orbit, the one that qc_represent gives.
 *
 * All functions must be pure and thread-safe. Packed states must be canonical: unused bits are zero.
 */
#ifndef QC_MODEL_H
#define QC_MODEL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mremap */
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "qc_api.h"

#if !defined(QC_WORDS) || QC_WORDS < 1 || QC_WORDS > 64
#error "QC_WORDS must be defined, between 1 and 64"
#endif
#if !defined(QC_STEP_NAMES) || QC_STEP_NAMES < 1
#error "QC_STEP_NAMES must be defined, at least 1"
#endif
#ifndef QC_HAS_STATE_CHECK
#define QC_HAS_STATE_CHECK 1
#endif
#ifndef QC_HAS_STEP_CHECK
#define QC_HAS_STEP_CHECK 0
#endif
#ifndef QC_PASS_ACTIVE
#define QC_PASS_ACTIVE 0
#endif
#ifndef QC_SYMMETRY
#define QC_SYMMETRY 0
#endif
#ifndef QC_STATE_PROPERTIES
#define QC_STATE_PROPERTIES (QC_HAS_STATE_CHECK ? UINT64_MAX : 0)
#endif
#ifndef QC_STEP_PROPERTIES
#define QC_STEP_PROPERTIES (QC_HAS_STEP_CHECK ? UINT64_MAX : 0)
#endif
#ifndef QC_QUIESCENT_PROPERTIES
#define QC_QUIESCENT_PROPERTIES UINT64_MAX
#endif

#define QC_LIKELY(x) __builtin_expect(!!(x), 1)
#define QC_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QC_INLINE static inline __attribute__((always_inline, unused))
#define QC_COLD __attribute__((noinline, cold))

typedef struct qc_sink qc_sink;

/* Defined by the model. */

/* Emits every initial state with qc_emit; the step name is ignored. */
static void qc_initial(qc_sink *sink);
/* Emits every successor in a fixed order; whether the state is quiescent: no step but faults is enabled. */
static bool qc_expand(const uint64_t *state, qc_sink *sink);
/* Each check returns the mask of properties hit, and sets *error, which is 0 before the call, to the id of
 * a model error met while evaluating one. */
#if QC_PASS_ACTIVE
static uint64_t qc_check_state(const uint64_t *state, uint64_t active, uint32_t *error);
static uint64_t qc_check_quiescent(const uint64_t *state, uint64_t active, uint32_t *error);
#if QC_HAS_STEP_CHECK
static uint64_t qc_check_step(const uint64_t *before, const uint64_t *after, uint64_t active, uint32_t *error);
#endif
#else
static uint64_t qc_check_state(const uint64_t *state, uint32_t *error);
static uint64_t qc_check_quiescent(const uint64_t *state, uint32_t *error);
#if QC_HAS_STEP_CHECK
static uint64_t qc_check_step(const uint64_t *before, const uint64_t *after, uint32_t *error);
#endif
#endif

/* Writes the state that stands for the orbit of `state`; the size of the orbit, 0 where it is not known. */
#if QC_SYMMETRY
static uint64_t qc_represent(uint64_t *out, const uint64_t *state);
/* The same, and the new name of each member of each set, the sets' rows one after the other, all as long as
 * the largest set. */
static void qc_rename_to_representative(uint64_t *out, const uint64_t *state, uint8_t *names);
#endif

/* Called by the model, in qc_sink.h:
 *     qc_emit(sink, step_name, next)      a step to the packed state `next`, which is copied
 *     qc_fail(sink, step_name, error_id)  a step that ran into a model error; it is not a transition
 */
#include "qc_state.h"
#include "qc_recent.h"
#include "qc_table.h"
#include "qc_findings.h"
#include "qc_sink.h"

#endif

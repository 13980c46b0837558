/* One state with WIDTH successors, which all come to rest: fills the table from within one expansion. */
#include <stdint.h>

#ifndef WIDTH
#define WIDTH 300000
#endif
#ifndef LINES /* independent fans, so that several workers expand at once */
#define LINES 4096
#endif
#define QC_WORDS 2
#define QC_STEP_NAMES 2
#define QC_HAS_STATE_CHECK 0
#define QC_PASS_ACTIVE 1
#include "qc_model.h"

static void qc_initial(qc_sink *sink)
{
    for (uint64_t line = 0; line < LINES; line++)
        qc_emit(sink, 0, (uint64_t[]){line, 0});
}

static bool qc_expand(const uint64_t *state, qc_sink *sink)
{
    if (state[1] != 0)
        return true;
    for (uint64_t i = 1; i <= WIDTH / LINES; i++)
        qc_emit(sink, 1, (uint64_t[]){state[0], i});
    return false;
}

static uint64_t qc_check_state(const uint64_t *state, uint64_t active, uint32_t *error)
{
    (void)state, (void)active, (void)error;
    return 0;
}

/* Property 0; evaluating property 1 is a model error, 5, once 0 has been hit. */
static uint64_t qc_check_quiescent(const uint64_t *state, uint64_t active, uint32_t *error)
{
    if (active & 2)
        *error = 5;
    (void)state;
    return 1;
}

#include "qc_main.c"

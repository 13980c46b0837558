/* The runtime, in one piece with the model that includes it, so that the model's steps are inlined. */
#include "qc_search.h"

#include "qc_memory.c"
#include "qc_threads.c"
#include "qc_insert.c"
#include "qc_grow.c"
#include "qc_search.c"
#include "qc_path.c"
#include "qc_explore.c"
#include "qc_simulate.c"
#include "qc_depth.c"
#include "qc_open.c"

/* Runs a model from the command line, for measuring, profiling and sanitizers; includes MODEL.
 *
 *     run [threads [properties [walks [states_max]]]]
 *
 * A search, a path to every hit and all edges; with `walks`, random walks and depth-first searches, too.
 */
#include MODEL

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

static void print_paths(qc_search *search, const qc_result *result)
{
    for (uint64_t hits = result->hits; hits != 0; hits &= hits - 1) {
        int property = __builtin_ctzll(hits);
        uint32_t depth = result->hit_depths[property];
        uint64_t *path = calloc(depth + 1, QC_STATE_BYTES);
        int status = qc_path(search, result->hit_states + property * QC_WORDS, depth, path);
        uint64_t sum = 0;
        for (uint64_t i = 0; i < (depth + 1) * (uint64_t)QC_WORDS; i++)
            sum = qc_fold(sum ^ path[i], 0x9e3779b97f4a7c15ull);
        printf("property %d at depth %u, path status %d sum %" PRIx64 "\n", property, depth, status, sum);
        free(path);
    }
}

static void print_walks(const qc_config *config, uint64_t count)
{
    qc_simulation asked = {.depth_max = 1000, .properties = config->properties, .seed = 1, .walks_max = count};
    qc_walks walks;
    qc_search *search = qc_open(config);
    int status = qc_simulate(search, &asked, &walks);
    printf("simulation status %d hits %" PRIx64 "\n", status, walks.hits);
    fprintf(stderr, "%" PRIu64 " walks, %.0f k steps/s\n", walks.walks, (double)walks.steps / walks.seconds / 1e3);
    qc_close(search);
}

static void print_edges(qc_search *search)
{
    enum { ROOM = 1000 };
    static uint32_t sources[ROOM], targets[ROOM], steps[ROOM];
    uint64_t next = 0, total = 0, listed;
    while ((listed = qc_edges(search, &next, ROOM, sources, targets, steps)) != 0 && listed <= ROOM)
        total += listed;
    printf("edges %" PRIu64 "\n", total);
}

static void print_descent(const qc_config *config, uint32_t depth_max, bool deepens)
{
    qc_config limited = *config;
    limited.depth_max = depth_max;
    limited.time_s_max = 20;
    qc_search *search = qc_open(&limited);
    int status = qc_descend(search, deepens);
    const qc_result *result = qc_result_of(search);
    printf("descent status %d states %" PRIu64 " hits %" PRIx64 "\n", status, result->states, result->hits);
    for (uint32_t number = 0; number <= 64; number++) {
        uint32_t states = 0;
        const uint64_t *path = qc_descent_path(search, number, &states);
        for (uint32_t i = 0; i < states; i++)
            if (qc_hash(path + (uint64_t)i * QC_WORDS) == 0)
                printf("a state that hashes to 0\n");
    }
    qc_close(search);
}

int main(int count, char **arguments)
{
    qc_config config = {.threads = count > 1 ? (uint32_t)atoi(arguments[1]) : 1,
                        .properties = count > 2 ? strtoull(arguments[2], NULL, 0) : 1,
                        .states_max = count > 4 ? strtoull(arguments[4], NULL, 0) : 0,
                        .depth_max = QC_NO_LIMIT_DEPTH};
    qc_search *search = qc_open(&config);
    int status = qc_run(search);
    const qc_result *result = qc_result_of(search);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("status %d states %" PRIu64 " transitions %" PRIu64 " depth %u\n", status, result->states,
           result->transitions, result->levels - 1);
    fprintf(stderr, "%.3f s, %.0f k states/s, %.2f bytes a state\n", result->seconds,
            (double)result->states / result->seconds / 1e3,
            (double)usage.ru_maxrss * 1024 / (double)result->states);
    print_paths(search, result);
    if (count > 3)
        print_edges(search);
    qc_close(search);
    if (count > 3) {
        print_walks(&config, strtoull(arguments[3], NULL, 0));
        print_descent(&config, 30, false);
        print_descent(&config, 8, true);
    }
    return 0;
}

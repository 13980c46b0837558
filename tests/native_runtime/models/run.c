/* Runs a model from the command line, for measuring, profiling and sanitizers; includes MODEL.
 *
 *     run [threads [properties [walks]]]      a search, a path to every hit, then `walks` random walks
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

int main(int count, char **arguments)
{
    qc_config config = {.threads = count > 1 ? (uint32_t)atoi(arguments[1]) : 1,
                        .properties = count > 2 ? strtoull(arguments[2], NULL, 0) : 1,
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
    qc_close(search);
    if (count > 3)
        print_walks(&config, strtoull(arguments[3], NULL, 0));
    return 0;
}

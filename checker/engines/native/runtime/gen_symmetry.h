/* Symmetry: the representative of a state's orbit, which is what the search stores.
 *
 * The generator knows the types and writes two functions: `gen_colour` gives every member of an
 * interchangeable set a colour, a number that renaming members does not change, and `gen_rename` applies a
 * renaming. Members are then named in the order of their colours. Members of one colour that occur in no
 * element together with another member are alike: any order of them gives the same state. For the others,
 * which are few, every order is tried, and the smallest state is the representative.
 *
 * Any state of the orbit would be sound as a representative: colours that happen to be equal, and the limit
 * on orders tried, can only cost states.
 */
#ifndef GEN_SYMMETRY_H
#define GEN_SYMMETRY_H

/* The generator defines GEN_SETS, the number of sets; GEN_MEMBERS, the size of the largest, at most 64;
 * gen_set_sizes, and gen_orbit_max, the product of their factorials, or 0 where it does not fit a word. */

/* Orders of members of one colour that are tried for one state. */
#define GEN_ORDERS_MAX 720u

typedef struct {
    uint8_t to[GEN_SETS][GEN_MEMBERS]; /* the new name of each member */
} gen_renaming;

typedef struct {
    uint64_t of[GEN_SETS][GEN_MEMBERS];
    uint64_t more[GEN_SETS][GEN_MEMBERS]; /* to be added: what follows from the colours of others */
    uint64_t linked[GEN_SETS]; /* bit: the member occurs together with another one */
} gen_colours;

static void gen_colour(const uint64_t *s, gen_colours *c);
static void gen_rename(uint64_t *n, const uint64_t *s, const gen_renaming *p);

/* Members of one colour in the sorted order of a set: positions `begin` .. `begin + count - 1`. */
typedef struct {
    uint32_t set, begin, count;
} gen_run;

GEN_INLINE uint64_t gen_mix(uint64_t salt, uint64_t value) {
    uint64_t x = (value + salt * UINT64_C(0xd6e8feb86659fd93)) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 32);
}

GEN_INLINE void gen_link(gen_colours *c, uint32_t set, uint64_t member) {
    c->linked[set] |= (uint64_t)1 << member;
}

GEN_INLINE bool gen_is_linked(const gen_colours *c, uint32_t set, uint32_t member) {
    return c->linked[set] >> member & 1;
}

static inline uint64_t gen_factorial(uint32_t n) {
    uint64_t product = 1;
    for (uint32_t i = 2; i <= n; i++) product *= i;
    return product;
}

/* The next order of some distinct members, lexicographically; back to the first one, and false, at the end. */
static bool gen_next_order(uint8_t *members, uint32_t count) {
    uint32_t i = count - 1;
    while (i > 0 && members[i - 1] > members[i]) i--;
    for (uint32_t a = i, b = count - 1; a < b; a++, b--) {
        uint8_t held = members[a];
        members[a] = members[b];
        members[b] = held;
    }
    if (i == 0) return false;
    uint32_t j = i;
    while (members[j] < members[i - 1]) j++;
    uint8_t held = members[i - 1];
    members[i - 1] = members[j];
    members[j] = held;
    return true;
}

/* Tries every order of the members in the runs; how many give the smallest state, or 0 when there are too many. */
static QC_COLD uint64_t gen_smallest(uint64_t *best, const uint64_t *state, uint8_t order[GEN_SETS][GEN_MEMBERS],
                                     const gen_run *runs, uint32_t run_count, gen_renaming *used) {
    uint64_t orders = 1, same = 0, n[QC_WORDS];
    for (uint32_t r = 0; r < run_count; r++)
        for (uint32_t i = 2; i <= runs[r].count && orders <= GEN_ORDERS_MAX; i++) orders *= i;
    gen_renaming p;
    for (uint64_t tried = 0; tried < (orders > GEN_ORDERS_MAX ? 1 : orders); tried++) {
        for (uint32_t set = 0; set < GEN_SETS; set++)
            for (uint32_t i = 0; i < gen_set_sizes[set]; i++) p.to[set][order[set][i]] = (uint8_t)i;
        gen_rename(n, state, &p);
        int compared = tried == 0 ? -1 : qc_order(n, best);
        if (compared < 0) {
            qc_copy(best, n);
            *used = p;
            same = 0;
        }
        same += compared <= 0;
        for (uint32_t r = 0; r < run_count && !gen_next_order(order[runs[r].set] + runs[r].begin, runs[r].count); r++)
            ;
    }
    return orders > GEN_ORDERS_MAX ? 0 : same;
}

/* The representative of a state's orbit, to `out`, with the renaming that makes it; the size of the orbit, 0
 * where it is not known. */
GEN_INLINE uint64_t gen_represent(uint64_t *out, const uint64_t *state, gen_renaming *used) {
    gen_colours c;
    memset(c.linked, 0, sizeof c.linked);
    gen_colour(state, &c);
    uint8_t order[GEN_SETS][GEN_MEMBERS];
    gen_run runs[GEN_SETS * (GEN_MEMBERS / 2 + 1)];
    uint32_t run_count = 0;
    uint64_t alike = 1;
    bool moved = false;
    for (uint32_t set = 0; set < GEN_SETS; set++) {
        const uint32_t size = gen_set_sizes[set];
        /* Colours and members are sorted as one number each. */
        uint64_t keys[GEN_MEMBERS];
        bool ties = false;
        for (uint32_t i = 0; i < size; i++) {
            const uint64_t key = (c.of[set][i] + c.more[set][i]) << 6 | i;
            uint32_t at = i;
            for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
            keys[at] = key;
            moved |= at != i;
        }
        for (uint32_t i = 0; i < size; i++) {
            order[set][i] = (uint8_t)(keys[i] & 63);
            ties |= i > 0 && (keys[i] ^ keys[i - 1]) < 64;
        }
        for (uint32_t begin = 0, end; ties && begin < size; begin = end) {
            bool linked = gen_is_linked(&c, set, order[set][begin]);
            for (end = begin + 1; end < size && (keys[end] ^ keys[begin]) < 64; end++)
                linked |= gen_is_linked(&c, set, order[set][end]);
            if (linked && end - begin > 1)
                runs[run_count++] = (gen_run){set, begin, end - begin};
            else
                alike *= gen_factorial(end - begin);
        }
    }
    if (run_count != 0) {
        uint64_t same = gen_smallest(out, state, order, runs, run_count, used);
        return same == 0 || gen_orbit_max == 0 ? 0 : gen_orbit_max / (alike * same);
    }
    for (uint32_t set = 0; set < GEN_SETS; set++)
        for (uint32_t i = 0; i < gen_set_sizes[set]; i++) used->to[set][order[set][i]] = (uint8_t)i;
    if (moved)
        gen_rename(out, state, used);
    else
        qc_copy(out, state);
    return gen_orbit_max == 0 ? 0 : gen_orbit_max / alike;
}

static uint64_t qc_represent(uint64_t *out, const uint64_t *state) {
    gen_renaming used;
    return gen_represent(out, state, &used);
}

static void qc_rename_to_representative(uint64_t *out, const uint64_t *state, uint8_t *names) {
    gen_renaming used;
    (void)gen_represent(out, state, &used);
    memcpy(names, used.to, sizeof used.to);
}

#endif

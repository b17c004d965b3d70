#include "efnas_selftest.h"

#include <stddef.h>

#include "efnas_runner.h"

/* The file of test vectors: for each pair its two frames (RGB, of the network's size), the outputs from coarse to fine,
 * and the CRCs of the input and of the flow in fixed point that belong to them. */
enum { FRAME = EFNAS_HEIGHT * EFNAS_WIDTH * 3 };
enum { OUTPUTS = EFNAS_FLOW_BYTES + EFNAS_RESIDUAL_BYTES + EFNAS_PACKED_BYTES };
enum { PAIR = 2 * FRAME + OUTPUTS + 8 };

typedef struct {
    uint32_t most, count;
    uint64_t sum;
} difference;

typedef struct {
    char text[160];
    size_t length;
} line;

/* That of zlib, over what came before and these bytes. */
static uint32_t crc32(uint32_t before, const void *bytes, size_t count) {
    uint32_t crc = ~before;
    for (size_t i = 0; i < count; i++) {
        crc ^= ((const uint8_t *)bytes)[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

static uint32_t stored(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void append(line *to, const char *text) {
    for (; *text && to->length + 1 < sizeof to->text; text++) {
        to->text[to->length++] = *text;
    }
    to->text[to->length] = 0;
}

/* " name=" and the number, in so many digits at least. */
static void append_number(line *to, const char *name, uint32_t number, uint32_t base, int digits) {
    char text[12];
    int at = sizeof text - 1;
    text[at] = 0;
    for (; (number || digits > 0) && at > 0; number /= base, digits--) {
        text[--at] = "0123456789abcdef"[number % base];
    }
    append(to, name);
    append(to, text + at);
}

static int end(const efnas_board *board, line *told, const char *why) {
    line said = {"", 0};
    append(&said, why ? "efnas-selftest: fail why=" : "efnas-selftest: pass");
    append(&said, why ? why : "");
    append(&said, told->text);
    board->print(said.text);
    return why != NULL;
}

static void fill_input(const efnas_board *board, const uint8_t *pair) {
    for (int32_t slot = 0; slot < 2; slot++) {
        efnas_frame_to_input(pair + slot * FRAME, EFNAS_HEIGHT, EFNAS_WIDTH, 3, slot, (uint32_t *)board->work,
                             efnas_runner_input());
    }
}

static void compare(difference *found, const int8_t *output, const int8_t *expected, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        const int32_t apart = output[i] > expected[i] ? output[i] - expected[i] : expected[i] - output[i];
        found->most = (uint32_t)apart > found->most ? (uint32_t)apart : found->most;
        found->sum += (uint32_t)apart;
    }
    found->count += (uint32_t)count;
}

/* The expected outputs of a pair; one that the network does not give has no bytes. */
static efnas_outputs expected_outputs(const uint8_t *pair) {
    const int8_t *flow = (const int8_t *)(pair + 2 * FRAME), *residual = flow + EFNAS_FLOW_BYTES;
    const efnas_outputs expected = {flow, residual, residual + EFNAS_RESIDUAL_BYTES};
    return expected;
}

/* The CRC of the flow of a frame of the network's size, by the expected outputs. */
static uint32_t flow_crc(const efnas_board *board, const uint8_t *pair) {
    const efnas_outputs expected = expected_outputs(pair);
    int16_t *row = (int16_t *)(board->work + EFNAS_FLOW_WORK);
    uint32_t crc = 0;
    for (int32_t y = 0; y < EFNAS_HEIGHT; y++) {
        efnas_flow_row(&expected, EFNAS_HEIGHT, EFNAS_WIDTH, y, board->work, row);
        crc = crc32(crc, row, 4 * EFNAS_WIDTH);
    }
    return crc;
}

static const char *check_pair(const efnas_board *board, const uint8_t *pair, difference *found) {
    fill_input(board, pair);
    if (crc32(0, efnas_runner_input(), EFNAS_INPUT_BYTES) != stored(pair + 2 * FRAME + OUTPUTS)) return "input";
    if (flow_crc(board, pair) != stored(pair + 2 * FRAME + OUTPUTS + 4)) return "flow";
    if (efnas_runner_invoke() != EFNAS_FINE) return "invoke";
    const efnas_outputs given = efnas_runner_outputs(), expected = expected_outputs(pair);
    compare(found, given.flow, expected.flow, EFNAS_FLOW_BYTES);
    compare(found, given.residual, expected.residual, EFNAS_RESIDUAL_BYTES);
    compare(found, given.packed, expected.packed, EFNAS_PACKED_BYTES);
    return NULL;
}

static const char *check_time(const efnas_board *board, line *told) {
    uint32_t least = UINT32_MAX, longest = 0, sum = 0;
    for (int i = 0; i < EFNAS_WARM_UPS + EFNAS_TIMED; i++) {
        fill_input(board, board->vectors);
        const uint32_t began = board->microseconds();
        if (efnas_runner_invoke() != EFNAS_FINE) return "invoke";
        const uint32_t took = board->microseconds() - began;
        if (i < EFNAS_WARM_UPS) continue;
        least = took < least ? took : least;
        longest = took > longest ? took : longest;
        sum += took;
    }
    append_number(told, " us=", sum / EFNAS_TIMED, 10, 1);
    append_number(told, " least=", least, 10, 1);
    append_number(told, " longest=", longest, 10, 1);
    return NULL;
}

int efnas_selftest(const efnas_board *board) {
    static const char *const reasons[] = {"", "schema", "operator", "arena", "network"};
    line told = {"", 0};
    difference found = {0, 0, 0};
    const uint32_t model = crc32(0, board->model, EFNAS_MODEL_BYTES);
    if (model != EFNAS_MODEL_CRC32) {
        append_number(&told, " model=", model, 16, 8);
        return end(board, &told, "model");
    }
    if (crc32(0, board->vectors, EFNAS_VECTORS_BYTES) != EFNAS_VECTORS_CRC32) return end(board, &told, "vectors");
    const int begun = efnas_runner_begin(board->model, board->arena, EFNAS_ARENA_BYTES);
    if (begun != EFNAS_FINE) return end(board, &told, reasons[begun]);
    for (int32_t i = 0; i < EFNAS_VECTORS_PAIRS; i++) {
        const char *why = check_pair(board, board->vectors + i * PAIR, &found);
        if (why) return end(board, &told, why);
    }
    const uint32_t mean = (uint32_t)(found.sum * 10000 / found.count);
    append_number(&told, " pairs=", EFNAS_VECTORS_PAIRS, 10, 1);
    append_number(&told, " most=", found.most, 10, 1);
    append_number(&told, " mean=", mean / 10000, 10, 1);
    append_number(&told, ".", mean % 10000, 10, 4);
    if (found.most > EFNAS_MOST_STEPS || mean > EFNAS_MEAN_STEPS_E4) return end(board, &told, "outputs");
    const char *why = check_time(board, &told);
    if (why) return end(board, &told, why);
    append_number(&told, " arena=", (uint32_t)efnas_runner_arena_used(), 10, 1);
    append_number(&told, " model=", model, 16, 8);
    return end(board, &told, NULL);
}

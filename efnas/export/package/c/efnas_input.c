/* Frames of any size to the network's int8 input, in integers.
 *
 * Scaling down is that of efnas: a triangle of twice the step from pixel to pixel weighs what it covers, and the weights
 * sum to one. Places are fractions with the denominator 2 * small, so the triangle is exact; weights are rounded to
 * 1/32768 in such a way that they sum to that exactly.
 */
#include <stddef.h>

#include "efnas_host.h"

enum { FIRST, COUNT, WEIGHTS }; /* of a pixel: the first pixel that weighs in it, how many do, their weights */

static int32_t smaller(int32_t one, int32_t other) { return one < other ? one : other; }

/* How much pixel `k` of `size` weighs in pixel `x` of `small`; 0 or less outside of the triangle. */
static int32_t triangle(int32_t k, int32_t size, int32_t x, int32_t small) {
    const int32_t apart = (2 * k + 1) * small - (2 * x + 1) * size;
    return 2 * size - (apart < 0 ? -apart : apart);
}

static void weigh(int32_t x, int32_t size, int32_t small, uint16_t *pixel) {
    const int32_t edge = (2 * x - 1) * size - small;
    const int32_t first = edge < 0 ? 0 : edge / (2 * small) + 1;
    int32_t count = 0;
    uint64_t total = 0, sum = 0;
    uint32_t before = 0;
    for (; first + count < size && triangle(first + count, size, x, small) > 0; count++) {
        total += (uint32_t)triangle(first + count, size, x, small);
    }
    pixel[FIRST] = (uint16_t)first;
    pixel[COUNT] = (uint16_t)count;
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)triangle(first + i, size, x, small);
        const uint32_t until = (uint32_t)((sum << 15) / total);
        pixel[WEIGHTS + i] = (uint16_t)(until - before);
        before = until;
    }
}

/* The rows of a frame that weigh in a row of the scaled one, summed: 15 bits after the point. */
static void sum_rows(const uint8_t *frame, int32_t values, const uint16_t *row, uint32_t *sums) {
    for (int32_t i = 0; i < values; i++) {
        sums[i] = 0;
    }
    for (int32_t j = 0; j < row[COUNT]; j++) {
        const uint8_t *line = frame + (size_t)(row[FIRST] + j) * (size_t)values;
        const uint32_t weight = row[WEIGHTS + j];
        for (int32_t i = 0; i < values; i++) {
            sums[i] += weight * line[i];
        }
    }
}

/* A value 0..255 of the scaled frame: of the summed rows, rounded to 8 bits after the point, the columns. */
static uint8_t sum_columns(const uint32_t *sums, int32_t channels, const uint16_t *column) {
    const uint32_t *at = sums + column[FIRST] * channels;
    uint32_t sum = 1u << 22;
    for (int32_t i = 0; i < column[COUNT]; i++) {
        sum += column[WEIGHTS + i] * ((at[i * channels] + 64) >> 7);
    }
    return (uint8_t)(sum >> 23);
}

void efnas_frame_to_input(const uint8_t *frame, int32_t height, int32_t width, int32_t channels, int32_t slot,
                          uint32_t *work, int8_t *input) {
    static const int8_t values[256] = EFNAS_INPUT_VALUES;
    const int32_t rows = smaller(height, EFNAS_HEIGHT), columns = smaller(width, EFNAS_WIDTH);
    const int32_t step = WEIGHTS + EFNAS_TAPS(width, EFNAS_WIDTH);
    uint16_t *column = (uint16_t *)(work + width * channels), *row = column + EFNAS_WIDTH * step;
    for (int32_t x = 0; x < EFNAS_WIDTH; x++) {
        weigh(smaller(x, columns - 1), width, columns, column + x * step);
    }
    for (int32_t y = 0; y < EFNAS_HEIGHT; y++) {
        int8_t *pixel = input + y * EFNAS_WIDTH * 6 + slot * 3;
        if (y < rows) {
            weigh(y, height, rows, row);
            sum_rows(frame, width * channels, row, work);
        }
        for (int32_t x = 0; x < EFNAS_WIDTH; x++, pixel += 6) {
            pixel[0] = values[sum_columns(work, channels, column + x * step)];
            pixel[1] = channels == 1 ? pixel[0] : values[sum_columns(work + 1, channels, column + x * step)];
            pixel[2] = channels == 1 ? pixel[0] : values[sum_columns(work + 2, channels, column + x * step)];
        }
    }
}

void efnas_keep_second(const int8_t *input, int8_t *kept) {
    for (int32_t i = 0; i < EFNAS_KEPT_BYTES; i++) {
        kept[i] = input[i / 3 * 6 + 3 + i % 3];
    }
}

void efnas_restore_first(const int8_t *kept, int8_t *input) {
    for (int32_t i = 0; i < EFNAS_KEPT_BYTES; i++) {
        input[i / 3 * 6 + i % 3] = kept[i];
    }
}

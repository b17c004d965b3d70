/* The network's outputs to flow in pixels of a frame, a row at a time.
 *
 * An output is int8 [height][width][2] (u, v); a value is scale * (stored - zero point). Of two outputs the smaller, of
 * half the canvas's size, is upsampled x2 (position 2i is i, between two positions is their mean, the last is repeated)
 * and added to the larger. The image lies in the top-left of the canvas; where the frame was scaled down the flow is
 * scaled up, in size (bilinear, centres of pixels) and in value.
 */
#include <stddef.h>

#include "efnas_host.h"

/* Shifting a negative number right rounds down on every compiler that is known; this refuses another. */
typedef char efnas_shifts_are_arithmetic[(-1 >> 1) == -1 ? 1 : -1];

static int32_t smaller(int32_t one, int32_t other) { return one < other ? one : other; }

/* Where the centre of a pixel of `size` lies among `small`: behind the centre of pixel `at`, by so many of 2 * size.
 * Below 0 is before the first centre, where the first value goes on. */
typedef struct {
    int32_t at, behind;
} place;

static place place_of(int32_t x, int32_t size, int32_t small) {
    const int32_t behind = (2 * x + 1) * small - size;
    const place found = {behind > 0 ? behind / (2 * size) : 0, behind > 0 ? behind % (2 * size) : behind};
    return found;
}

/* That of the next pixel. */
static place next_place(place from, int32_t size, int32_t small) {
    from.behind += 2 * small;
    if (from.behind >= 2 * size) {
        from.behind -= 2 * size;
        from.at++;
    }
    return from;
}

/* The way to the next centre, of 16384; `step` is 2^27 / size. */
static int32_t part_of(place where, uint32_t step) {
    return where.behind > 0 ? (int32_t)((uint32_t)where.behind * step >> 14) : 0;
}

static uint32_t step_of(int32_t size) { return (1u << 27) / (uint32_t)size; }

/* `part` of 16384 on the way between two values. */
static int32_t between(int32_t one, int32_t other, int32_t part) {
    return one + (int32_t)(((int64_t)(other - one) * part + 8192) >> 14);
}

/* The rows of the outputs that a row of the canvas is made of. */
typedef struct {
    const int8_t *above, *below, *residual;
} lines;

static lines lines_of(const int8_t *flow, const int8_t *residual, int32_t y) {
#if EFNAS_TWO_SCALE
    const int32_t other = smaller((y + 1) / 2, EFNAS_CANVAS_HEIGHT / 2 - 1);
    const lines found = {flow + y / 2 * EFNAS_CANVAS_WIDTH, flow + other * EFNAS_CANVAS_WIDTH,
                         residual + y * EFNAS_CANVAS_WIDTH * 2};
#else
    const lines found = {flow + y * EFNAS_CANVAS_WIDTH * 2, NULL, residual};
#endif
    return found;
}

/* Four times a value of the first output at a position of the canvas, less its zero point: of the smaller one of two the
 * four values that the position lies between. */
static int32_t quadruple(const lines *from, int32_t x, int32_t channel) {
#if EFNAS_TWO_SCALE
    const int32_t left = x / 2 * 2 + channel, right = smaller((x + 1) / 2, EFNAS_CANVAS_WIDTH / 2 - 1) * 2 + channel;
    const int32_t sum = from->above[left] + from->above[right] + from->below[left] + from->below[right];
#else
    const int32_t sum = 4 * from->above[2 * x + channel];
#endif
    return sum - 4 * EFNAS_FLOW_ZERO_POINT;
}

static int32_t residual_of(const lines *from, int32_t x, int32_t channel) {
#if EFNAS_TWO_SCALE
    return from->residual[2 * x + channel] - EFNAS_RESIDUAL_ZERO_POINT;
#else
    (void)from, (void)x, (void)channel;
    return 0;
#endif
}

/* A value of the canvas with 16 bits after the point; multipliers have 24, and are below 128 pixels a step
 * of int8. */
static int32_t fixed_value(const lines *from, int32_t x, int32_t channel, int32_t flow_multiplier,
                           int32_t residual_multiplier) {
    const int64_t value = (int64_t)quadruple(from, x, channel) * flow_multiplier +
                          (int64_t)(4 * residual_of(from, x, channel)) * residual_multiplier;
    return (int32_t)((value + 512) >> 10);
}

void efnas_flow_row(const int8_t *flow, const int8_t *residual, int32_t height, int32_t width, int32_t y,
                    int32_t *work, int16_t *row) {
    const int32_t rows = smaller(height, EFNAS_HEIGHT), columns = smaller(width, EFNAS_WIDTH);
    const place down = place_of(y, height, rows);
    const int32_t part = part_of(down, step_of(height));
    const lines one = lines_of(flow, residual, down.at);
    const lines other = lines_of(flow, residual, smaller(down.at + 1, rows - 1));
    for (int32_t channel = 0; channel < 2; channel++) {
        const int32_t size = channel ? height : width, small = channel ? rows : columns;
        const int32_t first = (int32_t)((int64_t)EFNAS_FLOW_MULTIPLIER * size / small);
        const int32_t second = (int32_t)((int64_t)EFNAS_RESIDUAL_MULTIPLIER * size / small);
        for (int32_t x = 0; x < columns; x++) {
            const int32_t value = fixed_value(&one, x, channel, first, second);
            work[2 * x + channel] =
                part ? between(value, fixed_value(&other, x, channel, first, second), part) : value;
        }
    }
    const uint32_t step = step_of(width);
    place across = place_of(0, width, columns);
    for (int32_t x = 0; x < width; x++, across = next_place(across, width, columns)) {
        const int32_t *left = work + 2 * across.at, *right = work + 2 * smaller(across.at + 1, columns - 1);
        const int32_t way = part_of(across, step);
        for (int32_t channel = 0; channel < 2; channel++) {
            const int32_t value = (between(left[channel], right[channel], way) + 512) >> 10;
            row[2 * x + channel] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
        }
    }
}

/* In pixels of the canvas. */
static float real_value(const lines *from, int32_t x, int32_t channel) {
    const float value = 0.25f * EFNAS_FLOW_SCALE * (float)quadruple(from, x, channel);
#if EFNAS_TWO_SCALE
    return value + EFNAS_RESIDUAL_SCALE * (float)residual_of(from, x, channel);
#else
    return value;
#endif
}

static float real_part(place where, int32_t size) {
    return where.behind > 0 ? (float)where.behind / (float)(2 * size) : 0.0f;
}

void efnas_flow_row_float(const int8_t *flow, const int8_t *residual, int32_t height, int32_t width, int32_t y,
                          float *work, float *row) {
    const int32_t rows = smaller(height, EFNAS_HEIGHT), columns = smaller(width, EFNAS_WIDTH);
    const place down = place_of(y, height, rows);
    const float part = real_part(down, height);
    const lines one = lines_of(flow, residual, down.at);
    const lines other = lines_of(flow, residual, smaller(down.at + 1, rows - 1));
    const float factors[2] = {(float)width / (float)columns, (float)height / (float)rows};
    for (int32_t i = 0; i < 2 * columns; i++) {
        const float value = real_value(&one, i / 2, i % 2);
        work[i] = part > 0.0f ? value + part * (real_value(&other, i / 2, i % 2) - value) : value;
    }
    place across = place_of(0, width, columns);
    for (int32_t x = 0; x < width; x++, across = next_place(across, width, columns)) {
        const float *left = work + 2 * across.at, *right = work + 2 * smaller(across.at + 1, columns - 1);
        const float way = real_part(across, width);
        for (int32_t channel = 0; channel < 2; channel++) {
            row[2 * x + channel] = factors[channel] * (left[channel] + way * (right[channel] - left[channel]));
        }
    }
}

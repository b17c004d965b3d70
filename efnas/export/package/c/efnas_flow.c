/* The network's outputs to flow in pixels of a frame, a row at a time.
 *
 * An output is int8 [height][width][2] (u, v); a value is scale * (stored - zero point). A residual is added to the flow,
 * which is upsampled x2 before (position 2i is i, between two positions is their mean, the last is repeated); a packed
 * one, [height][width][8], to what there is then, once more upsampled: at (y, x) of the canvas it is [y / 2][x / 2], from
 * 4 * (y % 2) + 2 * (x % 2) on. The image lies in the top-left of the canvas; where the frame was scaled down the flow is
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

/* The rows of flow and residual that a row of their sum is made of. That is one of the canvas, or of the map of half its
 * size where a packed output follows. */
typedef struct {
    const int8_t *above, *below, *residual;
} lines;

static lines lines_of(const efnas_outputs *outputs, int32_t y) {
    const int32_t above = EFNAS_RESIDUAL ? y / 2 : y;
    const int32_t below = EFNAS_RESIDUAL ? smaller((y + 1) / 2, EFNAS_FLOW_HEIGHT - 1) : y;
    const lines found = {outputs->flow + above * EFNAS_FLOW_WIDTH * 2, outputs->flow + below * EFNAS_FLOW_WIDTH * 2,
                         EFNAS_RESIDUAL ? outputs->residual + y * EFNAS_RESIDUAL_WIDTH * 2 : NULL};
    return found;
}

/* Four times a value of the flow at a position of the sum, less its zero point: where there is a residual, the four values
 * that the position lies between. */
static int32_t quadruple(const lines *from, int32_t x, int32_t channel) {
    const int32_t left = x / 2 * 2 + channel, right = smaller((x + 1) / 2, EFNAS_FLOW_WIDTH - 1) * 2 + channel;
    const int32_t sum = EFNAS_RESIDUAL ? from->above[left] + from->above[right] + from->below[left] + from->below[right]
                                       : 4 * from->above[2 * x + channel];
    return sum - 4 * EFNAS_FLOW_ZERO_POINT;
}

static int32_t residual_of(const lines *from, int32_t x, int32_t channel) {
    return EFNAS_RESIDUAL ? from->residual[2 * x + channel] - EFNAS_RESIDUAL_ZERO_POINT : 0;
}

/* The sum with 16 bits after the point, or with 14 where four of them are then summed. Multipliers have 24; as long as
 * they are together below 128 pixels a step of int8, all of it fits. */
enum { LESS_BITS = EFNAS_PACKED ? 12 : 10 };

static int32_t fixed_sum(const lines *from, int32_t x, int32_t channel, int32_t flow_multiplier,
                         int32_t residual_multiplier) {
    const int64_t value = (int64_t)quadruple(from, x, channel) * flow_multiplier +
                          (int64_t)(4 * residual_of(from, x, channel)) * residual_multiplier;
    return (int32_t)((value + (1 << (LESS_BITS - 1))) >> LESS_BITS);
}

/* In pixels of the canvas. */
static float real_sum(const lines *from, int32_t x, int32_t channel) {
    const float value = 0.25f * EFNAS_FLOW_SCALE * (float)quadruple(from, x, channel);
    return EFNAS_RESIDUAL ? value + EFNAS_RESIDUAL_SCALE * (float)residual_of(from, x, channel) : value;
}

/* With a packed output: size of the sum; and where in `work` two rows of it lie, behind one of the canvas. */
enum { SUM_HEIGHT = EFNAS_RESIDUAL ? EFNAS_RESIDUAL_HEIGHT : EFNAS_FLOW_HEIGHT, SUM_WIDTH = EFNAS_PACKED_WIDTH };
enum { ABOVE = 4 * EFNAS_HALF_WIDTH, BELOW = ABOVE + 2 * EFNAS_HALF_WIDTH + 2 };

static const int8_t *packed_row(const efnas_outputs *outputs, int32_t y) {
    return outputs->packed + y / 2 * EFNAS_PACKED_WIDTH * 8 + y % 2 * 4;
}

/* A component of a row of the sum, as far as `columns` of the canvas lie in it. */
static void fixed_sum_row(const efnas_outputs *outputs, int32_t y, int32_t columns, int32_t channel,
                          int32_t flow_multiplier, int32_t residual_multiplier, int32_t *row) {
    const lines from = lines_of(outputs, smaller(y, SUM_HEIGHT - 1));
    for (int32_t x = 0; x <= (columns + 1) / 2; x++) {
        row[2 * x] = fixed_sum(&from, smaller(x, SUM_WIDTH - 1), channel, flow_multiplier, residual_multiplier);
    }
}

static void real_sum_row(const efnas_outputs *outputs, int32_t y, int32_t columns, int32_t channel, float *row) {
    const lines from = lines_of(outputs, smaller(y, SUM_HEIGHT - 1));
    for (int32_t x = 0; x <= (columns + 1) / 2; x++) {
        row[2 * x] = real_sum(&from, smaller(x, SUM_WIDTH - 1), channel);
    }
}

static int32_t fixed_value(int32_t four, int8_t packed, int32_t multiplier) {
    return four + (int32_t)(((int64_t)(packed - EFNAS_PACKED_ZERO_POINT) * multiplier + 128) >> 8);
}

static float real_value(float four, int8_t packed) {
    return 0.25f * four + EFNAS_PACKED_SCALE * (float)(packed - EFNAS_PACKED_ZERO_POINT);
}

/* A component of a row of the canvas, between two rows of the sum, two columns at a time; `part` of it goes into what is
 * there, or all of it where that is 0. */
static void fixed_canvas_row(const int32_t *above, const int32_t *below, const int8_t *packed, int32_t columns,
                             int32_t multiplier, int32_t part, int32_t *row) {
    for (int32_t x = 0; x < columns; x += 2) {
        const int32_t left = above[x] + below[x], right = above[x + 2] + below[x + 2];
        const int32_t one = fixed_value(2 * left, packed[4 * x], multiplier);
        const int32_t other = fixed_value(left + right, packed[4 * x + 2], multiplier);
        row[2 * x] = part ? between(row[2 * x], one, part) : one;
        row[2 * x + 2] = part ? between(row[2 * x + 2], other, part) : other;
    }
}

static void real_canvas_row(const float *above, const float *below, const int8_t *packed, int32_t columns, float part,
                            float *row) {
    for (int32_t x = 0; x < columns; x += 2) {
        const float left = above[x] + below[x], right = above[x + 2] + below[x + 2];
        const float one = real_value(2.0f * left, packed[4 * x]);
        const float other = real_value(left + right, packed[4 * x + 2]);
        row[2 * x] = part > 0.0f ? row[2 * x] + part * (one - row[2 * x]) : one;
        row[2 * x + 2] = part > 0.0f ? row[2 * x + 2] + part * (other - row[2 * x + 2]) : other;
    }
}

static int32_t for_size(int32_t multiplier, int32_t size, int32_t small) {
    return (int32_t)((int64_t)multiplier * size / small);
}

void efnas_flow_row(const efnas_outputs *outputs, int32_t height, int32_t width, int32_t y, int32_t *work,
                    int16_t *row) {
    const int32_t rows = smaller(height, EFNAS_HEIGHT), columns = smaller(width, EFNAS_WIDTH);
    const place down = place_of(y, height, rows);
    const int32_t next = smaller(down.at + 1, rows - 1), part = next > down.at ? part_of(down, step_of(height)) : 0;
    for (int32_t channel = 0; channel < 2; channel++) {
        const int32_t size = channel ? height : width, small = channel ? rows : columns;
        const int32_t first = for_size(EFNAS_FLOW_MULTIPLIER, size, small);
        const int32_t second = for_size(EFNAS_RESIDUAL_MULTIPLIER, size, small);
        const int32_t third = for_size(EFNAS_PACKED_MULTIPLIER, size, small);
        if (EFNAS_PACKED) {
            int32_t *to = work + channel, *above = to + ABOVE, *below = to + BELOW;
            int32_t *middle = down.at % 2 ? below : above;
            fixed_sum_row(outputs, down.at / 2, columns, channel, first, second, above);
            if (part || middle == below) {
                fixed_sum_row(outputs, down.at / 2 + 1, columns, channel, first, second, below);
            }
            fixed_canvas_row(above, middle, packed_row(outputs, down.at) + channel, columns, third, 0, to);
            if (part) fixed_canvas_row(middle, below, packed_row(outputs, next) + channel, columns, third, part, to);
        } else {
            const lines one = lines_of(outputs, down.at), other = lines_of(outputs, next);
            for (int32_t x = 0; x < columns; x++) {
                const int32_t value = fixed_sum(&one, x, channel, first, second);
                work[2 * x + channel] =
                    part ? between(value, fixed_sum(&other, x, channel, first, second), part) : value;
            }
        }
    }
    const uint32_t step = step_of(width);
    place across = place_of(0, width, columns);
    for (int32_t x = 0; x < width; x++, across = next_place(across, width, columns)) {
        const int32_t *left = work + 2 * across.at, *right = work + 2 * smaller(across.at + 1, columns - 1);
        const int32_t way = part_of(across, step);
        for (int32_t channel = 0; channel < 2; channel++) {
            const int32_t found = way ? between(left[channel], right[channel], way) : left[channel];
            const int32_t value = (found + 512) >> 10;
            row[2 * x + channel] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
        }
    }
}

static float real_part(place where, int32_t size) {
    return where.behind > 0 ? (float)where.behind / (float)(2 * size) : 0.0f;
}

void efnas_flow_row_float(const efnas_outputs *outputs, int32_t height, int32_t width, int32_t y, float *work,
                          float *row) {
    const int32_t rows = smaller(height, EFNAS_HEIGHT), columns = smaller(width, EFNAS_WIDTH);
    const place down = place_of(y, height, rows);
    const int32_t next = smaller(down.at + 1, rows - 1);
    const float part = next > down.at ? real_part(down, height) : 0.0f;
    const float factors[2] = {(float)width / (float)columns, (float)height / (float)rows};
    if (EFNAS_PACKED) {
        for (int32_t channel = 0; channel < 2; channel++) {
            float *to = work + channel, *above = to + ABOVE, *below = to + BELOW, *middle = down.at % 2 ? below : above;
            real_sum_row(outputs, down.at / 2, columns, channel, above);
            if (part > 0.0f || middle == below) real_sum_row(outputs, down.at / 2 + 1, columns, channel, below);
            real_canvas_row(above, middle, packed_row(outputs, down.at) + channel, columns, 0.0f, to);
            if (part > 0.0f) real_canvas_row(middle, below, packed_row(outputs, next) + channel, columns, part, to);
        }
    } else {
        const lines one = lines_of(outputs, down.at), other = lines_of(outputs, next);
        for (int32_t i = 0; i < 2 * columns; i++) {
            const float value = real_sum(&one, i / 2, i % 2);
            work[i] = part > 0.0f ? value + part * (real_sum(&other, i / 2, i % 2) - value) : value;
        }
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

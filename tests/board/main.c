/* Runs the self-test of the package in the working folder, on a PC or in an emulator that lets a program read files, and
 * then prints CRCs of what it made of the last pair's frames and outputs at other sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "efnas_selftest.h"

enum { HEIGHT = 37, WIDTH = 101 };

const uint8_t *stand_in_vectors;
int stand_in_off = STAND_IN_OFF;

static uint8_t model[EFNAS_MODEL_BYTES], vectors[EFNAS_VECTORS_BYTES];
static uint8_t arena[EFNAS_ARENA_BYTES] __attribute__((aligned(16)));
static int32_t work[EFNAS_SELFTEST_WORK / 4 + EFNAS_INPUT_WORK(HEIGHT, WIDTH, 3)];
static int8_t input[EFNAS_INPUT_BYTES];
static int16_t row[2 * WIDTH];
static uint8_t frame[HEIGHT * WIDTH * 3], picture[3 * WIDTH];

static uint32_t microseconds(void) { return (uint32_t)clock() * (uint32_t)(1000000 / CLOCKS_PER_SEC); }

static void print(const char *line) { printf("%s\n", line); }

static void load(const char *name, uint8_t *to, size_t count) {
    FILE *file = fopen(name, "rb");
    if (!file || fread(to, 1, count, file) != count) {
        printf("no %s\n", name);
        exit(3);
    }
    fclose(file);
}

/* A sum that depends on the order (Fletcher's, of 32 bits). */
static uint32_t sum_of(uint32_t before, const void *bytes, size_t count) {
    uint32_t low = before & 0xFFFF, high = before >> 16;
    for (size_t i = 0; i < count; i++) {
        low = (low + ((const uint8_t *)bytes)[i]) % 65535;
        high = (high + low) % 65535;
    }
    return high << 16 | low;
}

int main(void) {
    const efnas_board board = {microseconds, print, model, vectors, arena, work};
    load("network_vela.tflite", model, EFNAS_MODEL_BYTES);
    load("vectors.bin", vectors, EFNAS_VECTORS_BYTES);
    stand_in_vectors = vectors;
    const int failed = efnas_selftest(&board);
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
        frame[i] = vectors[i % EFNAS_INPUT_BYTES];
    }
    for (int slot = 0; slot < 2; slot++) {
        efnas_frame_to_input(frame, HEIGHT, WIDTH, slot ? 1 : 3, slot, (uint32_t *)work, input);
    }
    const int8_t *flow = (const int8_t *)(vectors + EFNAS_INPUT_BYTES), *residual = flow + EFNAS_FLOW_BYTES;
    const efnas_outputs outputs = {flow, residual, residual + EFNAS_RESIDUAL_BYTES};
    uint32_t flows = 0, pictures = 0;
    for (int y = 0; y < HEIGHT; y++) {
        efnas_flow_row(&outputs, HEIGHT, WIDTH, y, work, row);
        efnas_flow_to_rgb(row, WIDTH, 20, picture);
        flows = sum_of(flows, row, sizeof row);
        pictures = sum_of(pictures, picture, sizeof picture);
    }
    printf("input=%08lx flow=%08lx picture=%08lx\n", (unsigned long)sum_of(0, input, sizeof input),
           (unsigned long)flows, (unsigned long)pictures);
    return failed;
}

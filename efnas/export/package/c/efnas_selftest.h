/* Whether the network on this board is the one that was packaged: its file, the host's part, and its outputs on three
 * pairs of frames, with the time that an inference takes. */
#ifndef EFNAS_SELFTEST_H
#define EFNAS_SELFTEST_H

#include "efnas_host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Accepted: outputs that differ from TFLite's reference kernels by at most so many steps of int8, on average so few. */
#define EFNAS_MOST_STEPS 2
#define EFNAS_MEAN_STEPS_E4 500 /* 0.05 */
#define EFNAS_WARM_UPS 5
#define EFNAS_TIMED 20

/* Bytes of `work`. */
#define EFNAS_SELFTEST_WORK (4 * EFNAS_INPUT_WORK(EFNAS_HEIGHT, EFNAS_WIDTH, 3) + 4 * EFNAS_FLOW_WORK)

/* What the board supplies: a clock that may wrap around, where a line of text goes (without its end), the two files in
 * the flash, and memory; `arena` has EFNAS_ARENA_BYTES and is 16-byte aligned, `work` is 4-byte aligned. */
typedef struct {
    uint32_t (*microseconds)(void);
    void (*print)(const char *line);
    const uint8_t *model;
    const uint8_t *vectors;
    uint8_t *arena;
    int32_t *work;
} efnas_board;

/* Prints one line and returns 0 when all is well:
 *   efnas-selftest: pass pairs=3 most=1 mean=0.0123 us=183544 least=183510 longest=183600 arena=845312 model=9a3c01f2
 * or, with what was found wrong, efnas-selftest: fail why=model ... */
int efnas_selftest(const efnas_board *board);

#ifdef __cplusplus
}
#endif
#endif

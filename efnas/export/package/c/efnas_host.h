/* The host's part around the network: frames to its input, its outputs to flow, flow to a picture. C99 without
 * dependencies and without memory of its own: all buffers are the caller's, and the macros say how large they are.
 *
 * Frames are uint8 [height][width][channels], RGB (3 channels) or grey (1), of 1 to 16,384 pixels a side. A frame that
 * is smaller than the network's input is padded, a larger one scaled down, each side by itself; flow is for the frame.
 */
#ifndef EFNAS_HOST_H
#define EFNAS_HOST_H

#include <stdint.h>

#include "efnas_network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The input, and the half of it that one frame fills. */
#define EFNAS_INPUT_BYTES (EFNAS_HEIGHT * EFNAS_WIDTH * 6)
#define EFNAS_KEPT_BYTES (EFNAS_HEIGHT * EFNAS_WIDTH * 3)

/* Pixels that weigh in one pixel when `size` of them are scaled down to `small`, at most. */
#define EFNAS_TAPS(size, small) ((size) > (small) ? 2 * (((size) + (small) - 1) / (small)) + 1 : 1)
/* uint32 values that efnas_frame_to_input works in. */
#define EFNAS_INPUT_WORK(height, width, channels) \
    ((width) * (channels) + \
     (EFNAS_WIDTH * (2 + EFNAS_TAPS(width, EFNAS_WIDTH)) + 3 + EFNAS_TAPS(height, EFNAS_HEIGHT)) / 2)

/* Writes a frame to its place in the input [EFNAS_HEIGHT][EFNAS_WIDTH][6]: slot 0 is the first frame, 1 the second. At
 * the network's own size these are the very bytes that `efnas infer --tflite` gives the network. */
void efnas_frame_to_input(const uint8_t *frame, int32_t height, int32_t width, int32_t channels, int32_t slot,
                          uint32_t *work, int8_t *input);

/* The input lies in the arena and does not outlive an inference: the second frame is kept before one, in
 * [EFNAS_KEPT_BYTES], and is the first frame of the next. */
void efnas_keep_second(const int8_t *input, int8_t *kept);
void efnas_restore_first(const int8_t *kept, int8_t *input);

/* Values (int32 or float) that the functions of flow work in: a row of the image; with a packed output of an even width,
 * and two rows of the map of half the size, a column longer. */
#define EFNAS_HALF_WIDTH ((EFNAS_WIDTH + 1) / 2)
#define EFNAS_FLOW_WORK (EFNAS_PACKED ? 8 * EFNAS_HALF_WIDTH + 4 : 2 * EFNAS_WIDTH)
/* Flow in fixed point: 1/64 pixel. */
#define EFNAS_FLOW_ONE 64

/* The outputs of the network; what it does not give is NULL. */
typedef struct {
    const int8_t *flow, *residual, *packed;
} efnas_outputs;

/* Row `y` of the flow [height][width][2] (u, v) of a frame, in its pixels, of the outputs of the network. A row at a time:
 * the whole flow of a frame may be more than the memory holds. The first counts in integers alone, and gives the same bits
 * everywhere. */
void efnas_flow_row(const efnas_outputs *outputs, int32_t height, int32_t width, int32_t y, int32_t *work,
                    int16_t *row);
void efnas_flow_row_float(const efnas_outputs *outputs, int32_t height, int32_t width, int32_t y, float *work,
                          float *row);

/* Flow as colour, RGB888: direction is hue, length is saturation (Middlebury's wheel); white is no motion, full colour
 * is `longest` (in 1/64 pixel, 1 to 32,767), what is longer is darker. In integers, at most 3 of 255 from the pictures
 * of efnas. */
void efnas_flow_to_rgb(const int16_t *flow, int32_t pixels, int32_t longest, uint8_t *rgb);
void efnas_rgb_to_565(const uint8_t *rgb, int32_t pixels, uint16_t *packed);

#ifdef __cplusplus
}
#endif
#endif

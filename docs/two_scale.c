/* The host's part of a `two-scale` file on a microcontroller: dequantise, upsample x2, add. C99, no memory of its own.
 *
 * An output is int8 [height][width][2] (u, v); a value is scale * (stored - zero_point), with the scale and zero point of
 * that output in the .json beside the file.
 */
#include <stdint.h>

typedef struct {
    const int8_t *data;
    float scale;
    int32_t zero_point;
} efnas_output;

static float efnas_value(const efnas_output *output, int32_t index) {
    return output->scale * (float)(output->data[index] - output->zero_point);
}

/* Flow in pixels, [height][width][2], of the image in the top-left of a canvas of canvas_height x canvas_width (both even).
 * `half` is Sum2/flow, [canvas_height / 2][canvas_width / 2][2]; `residual` is H2Out/residual, of the size of the canvas.
 * Bilinear upsampling: position 2i is i, between two positions is their mean, the last one is repeated.
 */
void efnas_two_scale_flow(const efnas_output *half, const efnas_output *residual, int canvas_height, int canvas_width,
                          int height, int width, float *flow) {
    const int rows = canvas_height / 2, columns = canvas_width / 2;
    for (int y = 0; y < height; y++) {
        const int above = y / 2, below = above + (y % 2 && above + 1 < rows);
        for (int x = 0; x < width; x++) {
            const int left = x / 2, right = left + (x % 2 && left + 1 < columns);
            for (int channel = 0; channel < 2; channel++) {
                const float sum = efnas_value(half, (above * columns + left) * 2 + channel) +
                                  efnas_value(half, (above * columns + right) * 2 + channel) +
                                  efnas_value(half, (below * columns + left) * 2 + channel) +
                                  efnas_value(half, (below * columns + right) * 2 + channel);
                flow[(y * width + x) * 2 + channel] =
                    0.25f * sum + efnas_value(residual, (y * canvas_width + x) * 2 + channel);
            }
        }
    }
}

/* Flow as a picture: Middlebury's colour wheel (Baker et al., 2011) in integers. */
#include "efnas_host.h"

#define ONE 4096 /* numbers here have 12 bits after the point */

static int32_t magnitude(int32_t value) { return value < 0 ? -value : value; }

/* The square root, rounded down. */
static uint32_t root(uint32_t square) {
    uint32_t found = 0;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1) {
        const uint32_t tried = found + bit;
        found = tried * tried <= square ? tried : found;
    }
    return found;
}

/* Where on the wheel a direction lies, 0..54: by an approximation of the arc tangent within an eighth of
 * the circle, which is at most 0.013 steps off. */
static int32_t direction(int32_t u, int32_t v) {
    const int32_t along = magnitude(u), across = magnitude(v);
    const int32_t longer = along > across ? along : across, shorter = along > across ? across : along;
    const int32_t ratio = longer ? shorter * ONE / longer : 0;
    const int32_t bend = ratio * (ONE - ratio) / ONE; /* 54 steps are the whole circle: an eighth of it is 6.75 */
    int32_t angle = (27 * ratio) / 4 + bend * (8614 + 2334 * ratio / ONE) / ONE;
    angle = across > along ? 27 * ONE / 2 - angle : angle; /* from the axis of u, 0..13.5 */
    angle = u < 0 ? 27 * ONE - angle : angle; /* 0..27 */
    return v < 0 ? 54 * ONE - angle : angle;
}

/* What part of a channel (0..ONE) the wheel has at a place. */
static void wheel(int32_t at, int32_t colour[3]) {
    /* Steps between the corners; at each corner the channel changes that is named, up or down. */
    static const struct {
        int8_t steps, rises, falls;
    } segments[6] = {{15, 1, -1}, {6, -1, 0}, {4, 2, -1}, {11, -1, 1}, {13, 0, -1}, {6, -1, 2}};
    colour[0] = ONE;
    colour[1] = colour[2] = 0;
    for (int32_t i = 0; i < 6 && at > 0; i++) {
        const int32_t length = segments[i].steps * ONE, part = (at < length ? at : length) / segments[i].steps;
        if (segments[i].rises >= 0) {
            colour[segments[i].rises] = part;
        } else {
            colour[segments[i].falls] = ONE - part;
        }
        at -= length;
    }
}

void efnas_flow_to_rgb(const int16_t *flow, int32_t pixels, int32_t longest, uint8_t *rgb) {
    for (int32_t i = 0; i < pixels; i++) {
        const int32_t u = flow[2 * i], v = flow[2 * i + 1];
        const uint32_t length = root((uint32_t)(u * u) + (uint32_t)(v * v));
        const int32_t part = (int32_t)(length * ONE / (uint32_t)longest);
        int32_t colour[3];
        wheel(direction(u, v), colour);
        for (int32_t channel = 0; channel < 3; channel++) {
            const int32_t shown = part <= ONE ? ONE - part * (ONE - colour[channel]) / ONE : 3 * colour[channel] / 4;
            rgb[3 * i + channel] = (uint8_t)((shown * 255 + ONE / 2) / ONE);
        }
    }
}

void efnas_rgb_to_565(const uint8_t *rgb, int32_t pixels, uint16_t *packed) {
    for (int32_t i = 0; i < pixels; i++) {
        const uint32_t red = rgb[3 * i] >> 3, green = rgb[3 * i + 1] >> 2, blue = rgb[3 * i + 2] >> 3;
        packed[i] = (uint16_t)(red << 11 | green << 5 | blue);
    }
}

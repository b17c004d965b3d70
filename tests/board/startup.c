/* The first steps of an emulated Cortex-M55; the C library does the rest, and talks to the emulator. */
#include <stdint.h>

extern void _start(void);
extern uint32_t __stack;

static void stop(void) {
    for (;;) {
    }
}

/* What files are buffered in; the C library's own asks the emulator, which does not know where the memory is. */
void *_sbrk(int more) {
    static char heap[65536], *end = heap;
    char *given = end;
    if (end + more > heap + sizeof heap) return (void *)-1;
    end += more;
    return given;
}

void reset(void) {
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* floating point and vectors */
    __asm volatile("dsb\n isb");
    _start();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))&__stack, reset, stop, stop, stop, stop, stop,
};

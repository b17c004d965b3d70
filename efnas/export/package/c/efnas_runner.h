/* The network as TensorFlow Lite Micro runs it, from a C program. One network a program. */
#ifndef EFNAS_RUNNER_H
#define EFNAS_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "efnas_host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong: 0 is nothing. */
enum { EFNAS_FINE, EFNAS_OTHER_SCHEMA, EFNAS_NO_OPERATOR, EFNAS_ARENA_TOO_SMALL, EFNAS_OTHER_NETWORK, EFNAS_NOT_RUN };

/* `model` is the compiled file, 16-byte aligned as is the arena; the NPU and its driver have been started before. */
int efnas_runner_begin(const void *model, uint8_t *arena, size_t arena_bytes);
int efnas_runner_invoke(void);
/* int8 [EFNAS_HEIGHT][EFNAS_WIDTH][6], to be written anew before each inference. */
int8_t *efnas_runner_input(void);
efnas_outputs efnas_runner_outputs(void);
/* Bytes of the arena that are in use. */
size_t efnas_runner_arena_used(void);

#ifdef __cplusplus
}
#endif
#endif

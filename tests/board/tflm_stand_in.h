// As much of TensorFlow Lite Micro as the runner of a package asks for. Its network knows the answers: those of the test
// vectors, in their order, `off` steps of int8 away; and it writes over its input, as an arena does.
#ifndef TFLM_STAND_IN_H
#define TFLM_STAND_IN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "efnas_host.h"

#define TFLITE_SCHEMA_VERSION 3

extern "C" {
extern const uint8_t *stand_in_vectors;
extern int stand_in_off;
}

enum TfLiteStatus { kTfLiteOk, kTfLiteError };

struct TfLiteTensor {
    union {
        int8_t *int8;
    } data;
    size_t bytes;
};

namespace tflite {

struct Model {
    uint8_t content[8];
    int version() const { return memcmp(content + 4, "TFL3", 4) ? 0 : TFLITE_SCHEMA_VERSION; }
};

inline const Model *GetModel(const void *content) { return static_cast<const Model *>(content); }

template <unsigned int operators>
class MicroMutableOpResolver {
  public:
    TfLiteStatus AddEthosU() { return added++ < operators ? kTfLiteOk : kTfLiteError; }

  private:
    unsigned int added = 0;
};

class MicroErrorReporter {};

class MicroInterpreter {
  public:
    MicroInterpreter(const Model *, const MicroMutableOpResolver<1> &, uint8_t *arena, size_t bytes,
                     MicroErrorReporter * = nullptr)
        : arena(arena), bytes(bytes) {}

    TfLiteStatus AllocateTensors() {
        if (bytes < arena_used_bytes()) return kTfLiteError;
        input_ = {{reinterpret_cast<int8_t *>(arena)}, EFNAS_INPUT_BYTES};
        flow = {{input_.data.int8 + EFNAS_INPUT_BYTES}, EFNAS_FLOW_BYTES};
        residual = {{flow.data.int8 + EFNAS_FLOW_BYTES}, EFNAS_RESIDUAL_BYTES};
        packed = {{residual.data.int8 + EFNAS_RESIDUAL_BYTES}, EFNAS_PACKED_BYTES};
        return kTfLiteOk;
    }

    TfLiteStatus Invoke() {
        const size_t frames = EFNAS_INPUT_BYTES, outputs = arena_used_bytes() - frames;
        const size_t pair = run < EFNAS_VECTORS_PAIRS ? run : 0;
        memset(input_.data.int8, 0x55, EFNAS_INPUT_BYTES);
        memcpy(flow.data.int8, stand_in_vectors + pair * (frames + outputs + 8) + frames, outputs);
        flow.data.int8[run] = static_cast<int8_t>(flow.data.int8[run] + stand_in_off);
        run++;
        return kTfLiteOk;
    }

    size_t inputs_size() const { return 1; }
    size_t outputs_size() const { return EFNAS_OUTPUTS; }
    TfLiteTensor *input(size_t) { return &input_; }
    TfLiteTensor *output(size_t index) {
        const int at = static_cast<int>(index);
        return at == EFNAS_FLOW_OUTPUT ? &flow : at == EFNAS_RESIDUAL_OUTPUT ? &residual : &packed;
    }
    size_t arena_used_bytes() const {
        return EFNAS_INPUT_BYTES + EFNAS_FLOW_BYTES + EFNAS_RESIDUAL_BYTES + EFNAS_PACKED_BYTES;
    }

  private:
    uint8_t *arena;
    size_t bytes, run = 0;
    TfLiteTensor input_, flow, residual, packed;
};

}  // namespace tflite
#endif

// The network in TensorFlow Lite Micro: all of it is one operator, the NPU's.
#include "efnas_runner.h"

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#ifdef EFNAS_TFLM_REPORTS_ERRORS  // versions until 2022 want one who hears of errors
#include "tensorflow/lite/micro/micro_error_reporter.h"
#endif

static tflite::MicroInterpreter *interpreter = nullptr;

int efnas_runner_begin(const void *model, uint8_t *arena, size_t arena_bytes) {
    const tflite::Model *network = tflite::GetModel(model);
    if (network->version() != TFLITE_SCHEMA_VERSION) return EFNAS_OTHER_SCHEMA;
    static tflite::MicroMutableOpResolver<1> resolver;
    if (interpreter == nullptr && resolver.AddEthosU() != kTfLiteOk) return EFNAS_NO_OPERATOR;
#ifdef EFNAS_TFLM_REPORTS_ERRORS
    static tflite::MicroErrorReporter reporter;
    static tflite::MicroInterpreter made(network, resolver, arena, arena_bytes, &reporter);
#else
    static tflite::MicroInterpreter made(network, resolver, arena, arena_bytes);
#endif
    if (made.AllocateTensors() != kTfLiteOk) return EFNAS_ARENA_TOO_SMALL;
    interpreter = &made;
    const bool same = made.inputs_size() == 1 && made.input(0)->bytes == EFNAS_INPUT_BYTES &&
                      made.outputs_size() == EFNAS_OUTPUTS &&
                      made.output(EFNAS_FLOW_OUTPUT)->bytes == EFNAS_FLOW_BYTES;
    return same ? EFNAS_FINE : EFNAS_OTHER_NETWORK;
}

int efnas_runner_invoke(void) { return interpreter->Invoke() == kTfLiteOk ? EFNAS_FINE : EFNAS_NOT_RUN; }

int8_t *efnas_runner_input(void) { return interpreter->input(0)->data.int8; }

static const int8_t *output(int index) {
    return index < 0 ? nullptr : interpreter->output(static_cast<size_t>(index))->data.int8;
}

efnas_outputs efnas_runner_outputs(void) {
    return {output(EFNAS_FLOW_OUTPUT), output(EFNAS_RESIDUAL_OUTPUT), output(EFNAS_PACKED_OUTPUT)};
}

size_t efnas_runner_arena_used(void) { return interpreter->arena_used_bytes(); }

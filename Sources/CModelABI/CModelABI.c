#include "onnxc_model.h"

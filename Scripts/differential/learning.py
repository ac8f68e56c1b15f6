DOMAIN = "ai.onnx.ml"

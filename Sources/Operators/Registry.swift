/// All operators, by domain and name.
public enum Registry {
  /// One line per operator or table of operators; a test checks that no file is missing here.
  public static let all: [any Operator] =
    [
      AveragePool(),
      BatchNormalization(),
      BitCast(),
      BitShift(),
      Cast(),
      CastLike(),
      Clip(),
      Concat(),
      Constant(),
      ConstantOfShape(),
      Conv(),
      DepthToSpace(),
      Dropout(),
      Expand(),
      EyeLike(),
      Flatten(),
      Gather(),
      GatherElements(),
      GatherND(),
      Gelu(),
      Gemm(),
      GlobalAveragePool(),
      GlobalLpPool(),
      GlobalMaxPool(),
      GroupNormalization(),
      Hardmax(),
      InstanceNormalization(),
      IsInf(),
      LRN(),
      LpNormalization(),
      LpPool(),
      MatMul(),
      MaxPool(),
      Mean(),
      MeanVarianceNormalization(),
      Mod(),
      OneHot(),
      Pad(),
      Pow(),
      RangeOperator(),
      PRelu(),
      ReduceLogSumExp(),
      Reshape(),
      ScatterND(),
      ShapeOperator(),
      SizeOperator(),
      Slice(),
      SpaceToDepth(),
      Split(),
      Squeeze(),
      SwiGLU(),
      Tile(),
      TopK(),
      Transpose(),
      Trilu(),
      Unsqueeze(),
      Where(),
      layerNormalization,
      rmsNormalization,
    ] + activationOperators + argExtremeOperators + binaryOperators + cumulativeOperators + reduceOperators + scatterElementsOperators + softmaxOperators + unaryOperators

  private static let byName: [String: any Operator] = Dictionary(
    uniqueKeysWithValues: all.map { (key($0.name.domain, $0.name.name), $0) })

  private static func key(_ domain: String, _ name: String) -> String { "\(domain)::\(name)" }

  /// The operator of a domain (empty for the standard one), if it is supported.
  public static func find(_ domain: String, _ name: String) -> (any Operator)? { byName[key(domain, name)] }
}

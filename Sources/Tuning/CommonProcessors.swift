extension TuningTable {
  /// Where measurements on common processors differ from the estimates.
  static let common = (try? TuningTable(commonText)) ?? TuningTable()

  static let commonText = """
    onnxc tuning 1

    """
}

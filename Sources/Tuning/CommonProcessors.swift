extension TuningTable {
  /// Where measurements on common processors differ from the estimates.
  static let common = (try? TuningTable(commonText)) ?? TuningTable()

  static let commonText = """
    onnxc tuning 1

    processor znver5
    tile f32x16 columns 1000 terms 1280@1 from memory = 1x6
    tile f32x16 columns 1000 terms 2048@1 from memory = 1x6
    tile f32x16 rows 112@3648 112@32 columns 32 terms 3@3648 3@32 batched from memory = 11x1 prefetch
    tile f32x16 rows 12544@16 columns 96 terms 16@1 from memory = 8x3 prefetch
    tile f32x16 rows 14@6144 14@384 columns 384 terms 3@6144 3@384 batched from memory = 7x2 prefetch
    tile f32x16 rows 28@5760 28@192 columns 192 terms 3@5760 3@192 batched from memory = 4x2 prefetch
    tile f32x16 rows 3136@24 columns 144 terms 24@1 from memory = 4x3 prefetch
    tile f32x16 rows 56@21696 56@192 columns 96 terms 3@10848 3@96 batched from memory = 9x1 prefetch
    tile f32x16 rows 56@8352 56@144 columns 144 terms 3@8352 3@144 batched from memory = 11x1 prefetch
    tile f32x16 sets 4 4 rows 16@512 columns 512 terms 512@1 from memory = 8x2 prefetch
    winograd f32 7x7 channels 512 features 512 = yes

    """
}

import Support
import TensorIR

/// The sliding window of a convolution or pool, from the attributes that they share.
struct Window {
  var kernel: [Dim]
  var strides: [Int]
  var dilations: [Int]
  var padBefore: [Dim]
  var padAfter: [Dim]
  var output: [Dim]

  var rank: Int { kernel.count }

  /// Reads `kernel_shape` (or takes the kernel's extents), `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`.
  init(_ node: OperatorNode, input: [Dim], kernel given: [Dim]? = nil) throws(ModelError) {
    let rank = input.count
    let declared = try node.ints("kernel_shape")
    guard let extents = given ?? declared?.map({ Dim($0) }) else {
      throw .invalid("attribute 'kernel_shape' is missing")
    }
    if let declared { try requireKernel(extents, declared) }
    kernel = extents
    strides = try node.ints("strides") ?? [Int](repeating: 1, count: rank)
    dilations = try node.ints("dilations") ?? [Int](repeating: 1, count: rank)
    let pads = try node.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
    guard kernel.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 * rank else {
      throw .invalid("kernel, strides, dilations or pads do not have \(rank) spatial dimensions")
    }
    guard strides.allSatisfy({ $0 > 0 }), dilations.allSatisfy({ $0 > 0 }), extents.allSatisfy({ $0.constant ?? 1 > 0 })
    else {
      throw .invalid("kernel extents, strides and dilations must be positive")
    }
    try requireBelow(powerOfTwo: 31, strides + dilations, "strides and dilations")
    try requireBelow(powerOfTwo: 24, pads, "pads")
    padBefore = pads[..<rank].map { Dim($0) }
    padAfter = pads[rank...].map { Dim($0) }
    output = []
    try place(input, mode: node.string("auto_pad", default: "NOTSET"), ceil: node.flag("ceil_mode"))
  }

  /// A window whose padding before the data and whose output extents are known.
  init(kernel: [Dim], strides: [Int], dilations: [Int], padBefore: [Dim], output: [Dim]) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padBefore = padBefore
    padAfter = [Dim](repeating: 0, count: kernel.count)
    self.output = output
  }

  /// The extent that the dilated kernel spans along an axis.
  func span(_ axis: Int) -> Dim { (kernel[axis] - 1) * dilations[axis] + 1 }

  private mutating func place(_ input: [Dim], mode: String, ceil: Bool) throws(ModelError) {
    for axis in input.indices {
      let stride = Dim(strides[axis])
      switch mode {
      case "NOTSET", "VALID", "":
        if mode == "VALID" { (padBefore[axis], padAfter[axis]) = (0, 0) }
        let room = input[axis] + padBefore[axis] + padAfter[axis] - span(axis)
        guard room.constant ?? 0 >= 0 else {
          throw .invalid("the window spans \(span(axis)) along spatial dimension \(axis), more than the padded input")
        }
        var extent = (ceil ? room + strides[axis] - 1 : room).floorDivided(by: stride) + 1
        // A window that starts in the padding after the data is left out.
        if ceil {
          extent = .minimum(extent, (input[axis] + padBefore[axis] + strides[axis] - 1).floorDivided(by: stride))
        }
        output.append(extent)
      case "SAME_UPPER", "SAME_LOWER":
        let extent = (input[axis] + strides[axis] - 1).floorDivided(by: stride)
        let total = Dim.maximum((extent - 1) * strides[axis] + span(axis) - input[axis], 0)
        let smaller = total.floorDivided(by: 2)
        padBefore[axis] = mode == "SAME_UPPER" ? smaller : total - smaller
        padAfter[axis] = total - padBefore[axis]
        output.append(extent)
      default: throw .invalid("attribute 'auto_pad' is '\(mode)'")
      }
    }
  }
}

/// Checks that a kernel has the extents that attribute 'kernel_shape' declares.
func requireKernel(_ extents: [Dim], _ declared: [Int]) throws(ModelError) {
  if declared.map({ Dim($0) }) == extents { return }
  if declared.count == extents.count, zip(declared, extents).allSatisfy({ ($1 - $0).constant ?? 0 == 0 }) {
    throw .unsupported("the kernel's extents are \(extents), which only a call knows", hint: "bind them with --dim")
  }
  throw .invalid("attribute 'kernel_shape' is \(declared), but the kernel has \(extents)")
}

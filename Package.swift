// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// Runs LLVM's configuration tool, so that headers and libraries are found wherever the distribution keeps them.
func llvmConfig(_ flag: String) -> String {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["llvm-config-19", flag]
  process.standardOutput = pipe
  guard (try? process.run()) != nil else { return "" }
  process.waitUntilExit()
  let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  return text.trimmingCharacters(in: .whitespacesAndNewlines)
}

let llvmInclude: [CSetting] = [.unsafeFlags(["-I" + llvmConfig("--includedir")])]
let llvmImport: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-I" + llvmConfig("--includedir")])]
let llvmLink: [LinkerSetting] = [.unsafeFlags(["-L" + llvmConfig("--libdir")]), .linkedLibrary("LLVM-19")]

/// Models that are loaded into a process of this package find the decoders of images in its executable.
let imagesLink: [LinkerSetting] = [
  .unsafeFlags(["onnxc_image_measure", "onnxc_image_decode"].flatMap { ["-Xlinker", "--export-dynamic-symbol=" + $0] })
]

let package = Package(
  name: "onnxc",
  products: [.executable(name: "onnxc", targets: ["onnxc"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .target(name: "Support"),
    .target(name: "CSystem"),
    .target(name: "LoopIR", dependencies: ["Support"]),
    .target(name: "TensorIR", dependencies: ["Support"]),
    .target(name: "CONNXProto", exclude: ["onnx.proto"], linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(name: "ONNXReader", dependencies: ["Support", "CONNXProto"]),
    .target(name: "Verify", dependencies: ["Support", "ONNXReader"]),
    .target(name: "Operators", dependencies: ["Support", "TensorIR", "ONNXReader"]),
    .target(name: "Tuning", dependencies: ["Support"]),
    .target(name: "Passes", dependencies: ["Support", "TensorIR", "Tuning"]),
    .target(name: "Schedule", dependencies: ["Support", "TensorIR", "LoopIR", "Tuning"]),
    .target(name: "CLLVM", cSettings: llvmInclude, linkerSettings: llvmLink),
    .target(name: "CModelABI"),
    .target(
      name: "CThreads", path: "Runtime", exclude: ["images"], publicHeadersPath: ".",
      linkerSettings: [.linkedLibrary("pthread")]),
    .target(name: "CImages", path: "Runtime/images", publicHeadersPath: ".", linkerSettings: imagesLink),
    .target(name: "ModelHost", dependencies: ["Support", "CModelABI", "CThreads", "CImages"]),
    .target(name: "EmitHeader", dependencies: ["Support", "LoopIR"]),
    .target(
      name: "EmitLLVM", dependencies: ["Support", "LoopIR", "EmitHeader", "ModelHost", "CModelABI", "CLLVM"],
      swiftSettings: llvmImport, linkerSettings: llvmLink),
    .target(name: "EmitC", dependencies: ["Support", "LoopIR", "EmitHeader"]),
    .target(
      name: "Driver",
      dependencies: [
        "Support", "ONNXReader", "Verify", "TensorIR", "Operators", "Passes", "Schedule", "LoopIR", "EmitLLVM", "EmitC",
        "EmitHeader", "ModelHost", "CModelABI", "CSystem", "Tuning",
      ]),
    .executableTarget(
      name: "onnxc",
      dependencies: [
        "CSystem", "Driver", "ONNXReader", "Operators", "Schedule", "Support", "Tuning", "Verify",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "SupportTests", dependencies: ["Support"]),
    .target(name: "LoopIRCases", dependencies: ["LoopIR", "ModelHost", "Support"], path: "Tests/LoopIRCases"),
    .testTarget(name: "LoopIRTests", dependencies: ["LoopIR", "LoopIRCases", "Support"]),
    .testTarget(
      name: "EmitLLVMTests", dependencies: ["EmitLLVM", "EmitHeader", "LoopIRCases", "LoopIR", "ModelHost", "Support"]),
    .testTarget(name: "EmitCTests", dependencies: ["EmitC", "LoopIRCases", "LoopIR", "ModelHost", "Support"]),
    .testTarget(name: "ONNXReaderTests", dependencies: ["ONNXReader", "Support"]),
    .testTarget(
      name: "ScheduleTests", dependencies: ["EmitLLVM", "LoopIR", "ModelHost", "Schedule", "Support", "TensorIR", "Tuning"]),
    .testTarget(
      name: "OperatorsTests", dependencies: ["Driver", "Operators", "ONNXReader", "Support", "TensorIR", "Verify"]),
    .testTarget(name: "ImagesTests", dependencies: ["CImages"], exclude: ["images.txt"]),
    .testTarget(name: "VerifyTests", dependencies: ["Verify", "ONNXReader", "Support"]),
    .testTarget(name: "TensorIRTests", dependencies: ["TensorIR", "Support"]),
    .target(name: "CTileEmulator", dependencies: ["CSystem"], path: "Tests/CTileEmulator"),
    .testTarget(
      name: "PrecisionTests",
      dependencies: [
        "CTileEmulator", "EmitLLVM", "LoopIR", "ModelHost", "Passes", "Schedule", "Support", "TensorIR", "Tuning",
      ]),
    .testTarget(
      name: "PassesTests", dependencies: ["Operators", "Passes", "TensorIR", "Tuning", "Support"], exclude: ["Texts"]),
    .testTarget(name: "TuningTests", dependencies: ["Tuning", "Support"]),
    .testTarget(name: "GoldenTests", dependencies: ["CThreads", "Driver", "LoopIR", "ONNXReader", "Support", "Tuning", "Verify"]),
  ]
)

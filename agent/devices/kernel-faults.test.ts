import { expect, test } from "vitest";
import { type KernelFault, KernelFaults } from "./kernel-faults.ts";

function faultsIn(text: string): KernelFault[] {
  const faults = new KernelFaults();
  return text.split("\n").flatMap((line) => faults.line(line) ?? []);
}

const of = (text: string) => faultsIn(text).map(({ pciBusId, xid }) => [pciBusId, xid]);

test.each([
  ["NVRM: Xid (PCI:0000:18:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", 79],
  ["NVRM: Xid (PCI:0000:18:00): 79, pid=1122, GPU has fallen off the bus.", 79],
  [
    "NVRM: Xid (PCI:0000:18:00): 31, pid=79749, name=exe, Ch 0000000a, intr 00000000. MMU Fault: ENGINE GRAPHICS GPC2",
    31,
  ],
  ["NVRM: Xid (PCI:0000:18:00): 13, Graphics SM Warp Exception on (GPC 0, TPC 0, SM 0): Out Of Range Address", 13],
  ["NVRM: Xid (PCI:0000:18:00 GPU-I:05): 94, pid=7194, name=python, Contained: SM (0x1). RST: No, D-RST: No", 94],
  ["NVRM: Xid (0000:18:00): 48, pid=0, An uncorrectable double bit error (DBE) has been detected on GPU", 48],
  ["NVRM: Xid (PCI:0000:18:00.0): 119, pid=2084, Timeout after 6s of waiting for RPC response from GPU0 GSP!", 119],
  ["NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.", 79],
  ["NVRM: GPU at 0000:18:00.0 has fallen off the bus.", 79],
  ["[ 1843.308145] NVRM: GPU at PCI:0000:18:00: GPU has fallen off the bus.", 79],
])("%s", (line, xid) => {
  expect(of(line)).toEqual([["00000000:18:00.0", xid]]);
  expect(faultsIn(line)[0]?.message).toContain("NVRM: ");
});

test("a sentence over several lines is of the GPU that its first one names", () => {
  const text = `NVRM: The NVIDIA GPU 0000:b3:00.0
NVRM: (PCI ID: 10de:26b5) installed in this system has
nvme nvme0: something between them
NVRM: fallen off the bus and is not responding to commands.
NVRM: The NVIDIA probe routine failed for 1 device(s).`;
  expect(faultsIn(text)).toEqual([
    {
      pciBusId: "00000000:B3:00.0",
      xid: 79,
      message:
        "NVRM: The NVIDIA GPU 0000:b3:00.0 (PCI ID: 10de:26b5) installed in this system has fallen off the bus and is not responding to commands.",
    },
  ]);
});

test("what names a GPU without a fault is none, nor is one that lines of other drivers tell of", () => {
  expect(
    of(`NVRM: GPU at PCI:0000:18:00: GPU-5c1a7d3e-0000-0000-0000-000000000000
NVRM: GPU Board Serial Number: 1
NVRM: loading NVIDIA UNIX x86_64 Kernel Module  570.158.01
NVRM: one
NVRM: two
NVRM: fallen off the bus, long after
usb 1-1: device has fallen off the bus
amdgpu 0000:18:00.0: amdgpu: GPU reset begin!`),
  ).toEqual([]);
});

test("a domain of its own, and a message of any length", () => {
  expect(of("NVRM: Xid (PCI:10018:01:00): 63, pid=1")).toEqual([["00010018:01:00.0", 63]]);
  expect(faultsIn(`NVRM: Xid (PCI:0000:18:00): 13, ${"x".repeat(5_000)}`)[0]?.message).toHaveLength(500);
});
